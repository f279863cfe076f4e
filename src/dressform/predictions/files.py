"""Predictions in file formats that any program can write: NPZ, CSV, TSV, JSON lines, Parquet."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

from dressform.core.errors import DataError
from dressform.core.files import user_path, write_atomic
from dressform.core.text import one_line, table_cell
from dressform.predictions.columns import predictions_of
from dressform.predictions.model_files import model_file_advice
from dressform.predictions.parquet import parquet_bytes, read_parquet
from dressform.predictions.predictions import Predictions
from dressform.predictions.probabilities import preserve_argmax
from dressform.predictions.text_table import parse_csv, parse_json_lines, read_text

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
SUFFIXES = (
    ".npz",
    *TEXT_SUFFIXES,
    *(f"{suffix}.gz" for suffix in TEXT_SUFFIXES),
    ".parquet",
)
_ALLOWED = ".npz, .csv, .tsv, .jsonl (each of these three with .gz, too), .parquet"


def format_of(path: Path) -> str | None:
    """The format of a file by its name: one of ``SUFFIXES``, ignoring case, or None."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def load_predictions(path: str | Path) -> Predictions:
    """Read predictions made by any program.

    Args:
        path: the format follows from the file's suffix, or else from its first bytes.

            - ``.npz``: arrays as in :meth:`Predictions.load`.
            - ``.csv`` (any separator), ``.tsv``, ``.jsonl``, each with ``.gz`` or without, in UTF-8
              or UTF-16, and ``.parquet``: a column ``label`` with names or whole numbers from 0; a
              column per class, ``p0``…``pK-1`` for probabilities, ``logit0``…``logitK-1`` for
              logits, or the names of the classes; of two classes also ``p1`` alone; and optionally
              ``id``. Default ids are ``00000``, ``00001``, …; other columns are ignored. A column
              ``prediction`` without such columns gives hard predictions.

    Raises:
        DataError: the file is unreadable, in another format, or does not contain predictions.
    """
    path = user_path(path)
    try:
        return _load(path, format_of(path) or _detect_format(path))
    except DataError as error:  # which may quote cells and columns with line ends
        raise DataError(one_line(str(error))) from error


def _load(path: Path, file_format: str) -> Predictions:
    if file_format == ".npz":
        return Predictions.load(path)
    if file_format == ".parquet":
        return predictions_of(read_parquet(path))
    parse = parse_json_lines if "json" in file_format else parse_csv
    return predictions_of(parse(path, read_text(path)))


def save_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write predictions in the format given by the file's suffix; reading them back preserves the
    most likely classes.

    Tables store ``id,label,p0,…`` with probabilities to the last digit of float64, or
    ``id,label,prediction`` of hard predictions; only NPZ stores class names and groups.

    Raises:
        DataError: the suffix is unknown, or Parquet is requested without pyarrow.
    """
    path = user_path(path)
    file_format = format_of(path)
    if file_format is None:
        raise DataError(f"{path} has an unknown format; allowed: {_ALLOWED}")
    if file_format == ".npz":
        predictions.save(path)
        return
    columns = _columns_of(predictions)
    if file_format == ".parquet":
        content = parquet_bytes(columns)
    else:
        content = _text_of(columns, file_format).encode()
        if file_format.endswith(".gz"):
            content = gzip.compress(content, compresslevel=3, mtime=0)
    write_atomic(path, lambda file: file.write(content))


def _columns_of(predictions: Predictions) -> dict[str, list[Any]]:
    columns = {"id": predictions.ids.tolist(), "label": predictions.labels.tolist()}
    if predictions.hard:
        return {**columns, "prediction": predictions.predicted.tolist()}
    probabilities = predictions.probabilities
    preserve_argmax(probabilities, predictions.predicted)
    return columns | {f"p{k}": probabilities[:, k].tolist() for k in range(probabilities.shape[1])}


def _text_of(columns: dict[str, list[Any]], file_format: str) -> str:
    rows = zip(*columns.values(), strict=True)
    if "json" in file_format:
        return "".join(f"{json.dumps(dict(zip(columns, row, strict=True)))}\n" for row in rows)
    text = io.StringIO(newline="")
    # the default \r\n: with another line end, a \r inside an id would stay unquoted
    writer = csv.writer(text, delimiter="\t" if "tsv" in file_format else ",")
    writer.writerow(columns)
    writer.writerows((table_cell(id_), *others) for id_, *others in rows)
    return text.getvalue()


def _detect_format(path: Path) -> str:
    if advice := model_file_advice(path):
        raise DataError(advice)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if start == b"PAR1":
        return ".parquet"
    if start.startswith(b"PK"):
        return ".npz"
    raise DataError(f"{path} has an unknown format (it starts with {start!r}); allowed: {_ALLOWED}")
