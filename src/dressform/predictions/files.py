"""Predictions in files that any program can write: NPZ, CSV (gzip or not) and Parquet."""

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
from dressform.predictions.predictions import Predictions, from_scores, keep_argmax
from dressform.predictions.table import Table, read_csv

SUFFIXES = (".npz", ".csv", ".csv.gz", ".parquet")


def form_of(path: Path) -> str | None:
    """Which of ``SUFFIXES`` a file's name ends in, upper case or lower; None for another name."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def load_predictions(path: str | Path) -> Predictions:
    """Read predictions made by any program.

    Args:
        path: the form is told by the name's ending, or else by the first bytes.

            - ``.npz``: arrays as in :meth:`Predictions.load`.
            - ``.csv``, ``.csv.gz`` (UTF-8, commas, a header) and ``.parquet``: a column ``label``
              with whole numbers, a column per class, ``p0``…``pK-1`` for probabilities or
              ``logit0``…``logitK-1`` for logits, and, if there is one, ``id``. Default ids are
              ``00000``, ``00001``, …; classes are called ``0``…``K-1``; other columns are left
              alone.

    Raises:
        DataError: unreadable, not such a file, or values that are no predictions.
    """
    path = user_path(path)
    form = form_of(path) or _form_by_content(path)
    if form == ".npz":
        return Predictions.load(path)
    table = read_parquet(path) if form == ".parquet" else read_csv(path, _text_of(path))
    return _from_table(path, table)


def save_predictions(predictions: Predictions, path: str | Path) -> None:
    """Write predictions in the form that the name's ending tells; reading them gives the same most
    likely classes.

    CSV and Parquet get ``id,label,p0,…`` with probabilities to float64's last digit; class names
    are kept by NPZ alone.

    Raises:
        DataError: another ending, or Parquet without pyarrow.
    """
    path = user_path(path)
    form = form_of(path)
    if form is None:
        raise DataError(f"{path} has an unknown form; allowed: {', '.join(SUFFIXES)}")
    if form == ".npz":
        predictions.save(path)
        return
    probabilities = predictions.probabilities
    keep_argmax(probabilities, predictions.predicted)
    columns = {
        "id": [table_cell(name) for name in predictions.ids.tolist()],
        "label": predictions.labels.tolist(),
    }
    columns |= {f"p{k}": probabilities[:, k].tolist() for k in range(probabilities.shape[1])}
    if form == ".parquet":
        columns["id"] = predictions.ids.tolist()
        content = parquet_bytes(columns)
    else:
        text = io.StringIO(newline="")
        # its own \r\n: with another line end it would leave a \r inside an id unquoted
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        content = text.getvalue().encode()
        if form == ".csv.gz":
            content = gzip.compress(content, compresslevel=3, mtime=0)
    write_atomic(path, lambda file: file.write(content))


def _form_by_content(path: Path) -> str:
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
        f"{path} has an unknown form (it starts with {start!r}); allowed: {', '.join(SUFFIXES)}"
    )


MOST_BYTES = 2**31
"""Of a compressed table."""


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw = gunzip(raw, MOST_BYTES)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8"
        ) from None
    except ValueError as error:
        raise DataError(f"{path} is too large ({error}); give a smaller table, or NPZ") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}); copy it anew") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _from_table(path: Path, table: Table) -> Predictions:
    labels, scores = table.numbers[:, 0], table.numbers[:, 1:]
    broken = np.flatnonzero(~(np.abs(labels) < 2**53) | (labels != np.floor(labels)))
    if len(broken):
        row = int(broken[0])
        raise DataError(
            f"{path} {table.place(row)} has label {labels[row]:g}; allowed: whole numbers, 0 to "
            f"{scores.shape[1] - 1}"
        )
    ids: NDArray[np.str_] = np.array(
        [f"{i:05d}" for i in range(len(labels))] if table.ids is None else table.ids, dtype=np.str_
    )
    return from_scores(
        path, table.given, ids, labels, scores, tuple(str(k) for k in range(scores.shape[1]))
    )
