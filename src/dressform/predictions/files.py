"""Predictions in file formats that any program can write: NPZ, CSV (gzip or not) and Parquet."""

import csv
import gzip
import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import gunzip, user_path, write_atomic
from dressform.core.text import table_cell
from dressform.predictions.parquet import parquet_bytes, read_parquet
from dressform.predictions.predictions import Predictions, predictions_from_scores
from dressform.predictions.probabilities import preserve_argmax
from dressform.predictions.table import Table, read_csv

SUFFIXES = (".npz", ".csv", ".csv.gz", ".parquet")


def format_of(path: Path) -> str | None:
    """The format of a file by its name: one of ``SUFFIXES``, ignoring case, or None."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def load_predictions(path: str | Path) -> Predictions:
    """Read predictions made by any program.

    Args:
        path: the format follows from the file's suffix, or else from its first bytes.

            - ``.npz``: arrays as in :meth:`Predictions.load`.
            - ``.csv``, ``.csv.gz`` (UTF-8, commas, a header) and ``.parquet``: a column ``label``
              with whole numbers, a column per class, ``p0``…``pK-1`` for probabilities or
              ``logit0``…``logitK-1`` for logits, and optionally ``id``. Default ids are ``00000``,
              ``00001``, …; classes are named ``0``…``K-1``; other columns are ignored.

    Raises:
        DataError: the file is unreadable, in another format, or does not contain predictions.
    """
    path = user_path(path)
    file_format = format_of(path) or _detect_format(path)
    if file_format == ".npz":
        return Predictions.load(path)
    table = read_parquet(path) if file_format == ".parquet" else read_csv(path, _text_of(path))
    return _from_table(path, table)


def save_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write predictions in the format given by the file's suffix; reading them back preserves the
    most likely classes.

    CSV and Parquet store ``id,label,p0,…`` with probabilities to the last digit of float64; only
    NPZ stores class names and groups.

    Raises:
        DataError: the suffix is unknown, or Parquet is requested without pyarrow.
    """
    path = user_path(path)
    file_format = format_of(path)
    if file_format is None:
        raise DataError(f"{path} has an unknown format; allowed: {', '.join(SUFFIXES)}")
    if file_format == ".npz":
        predictions.save(path)
        return
    probabilities = predictions.probabilities
    preserve_argmax(probabilities, predictions.predicted)
    columns = {
        "id": [table_cell(name) for name in predictions.ids.tolist()],
        "label": predictions.labels.tolist(),
    }
    columns |= {f"p{k}": probabilities[:, k].tolist() for k in range(probabilities.shape[1])}
    if file_format == ".parquet":
        columns["id"] = predictions.ids.tolist()
        content = parquet_bytes(columns)
    else:
        text = io.StringIO(newline="")
        # the default \r\n: with another line end, a \r inside an id would stay unquoted
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        content = text.getvalue().encode()
        if file_format == ".csv.gz":
            content = gzip.compress(content, compresslevel=3, mtime=0)
    write_atomic(path, lambda file: file.write(content))


def _detect_format(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if start == b"PAR1":
        return ".parquet"
    if start.startswith(b"PK"):
        return ".npz"
    raise DataError(
        f"{path} has an unknown format (it starts with {start!r}); allowed: {', '.join(SUFFIXES)}"
    )


MAX_BYTES = 2**31
"""Maximum decompressed size of a table."""


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw = gunzip(raw, MAX_BYTES)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        ) from None
    except ValueError as error:
        raise DataError(f"{path} is too large ({error}); give a smaller table, or NPZ") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); copy it again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _from_table(path: Path, table: Table) -> Predictions:
    labels, scores = table.numbers[:, 0], table.numbers[:, 1:]
    invalid = np.flatnonzero(~(np.abs(labels) < 2**53) | (labels != np.floor(labels)))
    if len(invalid):
        row = int(invalid[0])
        raise DataError(
            f"{path} {table.location(row)} has label {labels[row]:g}; allowed: whole numbers, 0 to "
            f"{scores.shape[1] - 1}"
        )
    ids: NDArray[np.str_] = np.array(
        [f"{i:05d}" for i in range(len(labels))] if table.ids is None else table.ids, dtype=np.str_
    )
    return predictions_from_scores(
        path,
        table.kind,
        ids=ids,
        labels=labels,
        scores=scores,
        class_names=tuple(str(k) for k in range(scores.shape[1])),
    )
