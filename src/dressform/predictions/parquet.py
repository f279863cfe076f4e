"""Parquet tables, by pyarrow, which is fetched on first use because few need it."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dressform.core.errors import DataError
from dressform.predictions.table import EXPECTED, Table, score_columns


def read_parquet(path: Path) -> Table:
    """The table in a Parquet file.

    Raises:
        DataError: unreadable, not Parquet, wrong columns, an empty cell, a column that is no
            number, or no pyarrow.
    """
    pyarrow, parquet = _pyarrow()
    try:
        with path.open("rb") as file:
            if (start := file.read(4)) != b"PAR1":
                raise DataError(
                    f"{path} is not a Parquet file (it starts with {start!r}); write one with "
                    f"{EXPECTED}"
                )
            file.seek(0)
            opened = parquet.ParquetFile(file)
            names = list(opened.schema_arrow.names)
            given, scores = score_columns(path, names)
            columns = opened.read(
                columns=[*(("id",) if "id" in names else ()), "label", *scores], use_threads=False
            )
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is a damaged Parquet file ({reason}); write it anew") from None
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise DataError(f"{path} cannot be read: {reason}") from None
    if columns.num_rows == 0:
        raise DataError(f"{path} has columns but no rows; give one row per example")
    types = pyarrow.types
    texts = (types.is_string, types.is_large_string, types.is_dictionary)
    for name in columns.column_names:
        kind, nulls = columns[name].type, columns[name].null_count
        if not (
            types.is_integer(kind)
            or any(fits(kind) for fits in (texts if name == "id" else (types.is_floating,)))
        ):
            allowed = "text or whole numbers" if name == "id" else "numbers"
            raise DataError(
                f"{path} has column {name} of type {kind}; allowed: {allowed}, so write it anew "
                f"as such"
            )
        if nulls:
            row = columns[name].is_null().to_pylist().index(True)
            raise DataError(
                f"{path} row {row + 1} has nothing in column {name}; fill it or leave the row out"
            )
    ids = [str(value) for value in columns["id"].to_pylist()] if "id" in names else None
    numbers = np.stack(
        [columns[name].to_numpy().astype(np.float64) for name in ("label", *scores)], axis=1
    )
    return Table(given, ids, numbers, None)


def parquet_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """A Parquet file of named columns.

    Raises:
        DataError: no pyarrow.
    """
    pyarrow, parquet = _pyarrow()
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(columns)), buffer)
    return buffer.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            'Parquet needs pyarrow; pip install "dressform[parquet]", or write the table as CSV'
        ) from None
    return pyarrow, pyarrow.parquet
