"""Parquet tables by pyarrow, an optional dependency that is imported on first use."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dressform.core.errors import DataError
from dressform.predictions.table import EXPECTED, Table, score_columns


def read_parquet(path: Path) -> Table:
    """Read a table from a Parquet file.

    Raises:
        DataError: the file is unreadable or not Parquet, its columns are wrong or not numeric, a
            cell is empty, or pyarrow is missing.
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
            file_reader = parquet.ParquetFile(file)
            names = list(file_reader.schema_arrow.names)
            kind, scores = score_columns(path, names)
            columns = file_reader.read(
                columns=[*(("id",) if "id" in names else ()), "label", *scores], use_threads=False
            )
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is a damaged Parquet file ({reason}); write it again") from None
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise DataError(f"{path} cannot be read: {reason}") from None
    if columns.num_rows == 0:
        raise DataError(f"{path} has columns but no rows; give one row per example")
    types = pyarrow.types
    text_types = (types.is_string, types.is_large_string, types.is_dictionary)
    for name in columns.column_names:
        column_type, nulls = columns[name].type, columns[name].null_count
        if not (
            types.is_integer(column_type)
            or any(
                fits(column_type) for fits in (text_types if name == "id" else (types.is_floating,))
            )
        ):
            allowed = "text or whole numbers" if name == "id" else "numbers"
            raise DataError(
                f"{path} has column {name} of type {column_type}; allowed: {allowed}, so convert it"
            )
        if nulls:
            row = columns[name].is_null().to_pylist().index(True)
            raise DataError(
                f"{path} row {row + 1} has no value in column {name}; add it or remove the row"
            )
    ids = [str(value) for value in columns["id"].to_pylist()] if "id" in names else None
    numbers = np.stack(
        [columns[name].to_numpy().astype(np.float64) for name in ("label", *scores)], axis=1
    )
    return Table(kind, ids, numbers, None)


def parquet_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Encode named columns as a Parquet file.

    Raises:
        DataError: pyarrow is missing.
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
            "Parquet needs pyarrow; pip install pyarrow, or write the table as CSV"
        ) from None
    return pyarrow, pyarrow.parquet
