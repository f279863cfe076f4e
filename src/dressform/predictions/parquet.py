"""Parquet tables by pyarrow, an optional dependency that is imported on first use."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.parquet import pyarrow_for
from dressform.predictions.table import EXPECTED, Table


def read_parquet(path: Path) -> Table:
    """Read a table from a Parquet file.

    Raises:
        DataError: the file is unreadable or not Parquet, a cell is empty, or pyarrow is missing.
    """
    pyarrow, parquet = pyarrow_for(path)
    try:
        with path.open("rb") as file:
            if (start := file.read(4)) != b"PAR1":
                raise DataError(
                    f"{path} is not a Parquet file (it starts with {start!r}); write one with "
                    f"{EXPECTED}"
                )
            file.seek(0)
            file_reader = parquet.ParquetFile(file)
            names = tuple(file_reader.schema_arrow.names)
            columns = file_reader.read(use_threads=False)
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is a damaged Parquet file ({reason}); write it again") from None
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        if error.errno is None:  # pyarrow's own, of bytes that make no sense
            raise DataError(
                f"{path} is a damaged Parquet file ({reason}); write it again"
            ) from None
        raise DataError(f"{path} cannot be read: {reason}") from None
    cells: dict[str, list[str] | NDArray[Any]] = {}
    nulls = {}
    try:
        for position, name in enumerate(names):
            column = columns.column(position)
            if name not in cells and (values := _cells(pyarrow.types, column)) is not None:
                cells[name] = values
                if column.null_count:
                    nulls[name] = column.is_null().to_pylist().index(True)
    except (pyarrow.ArrowException, ValueError) as error:  # texts that are no UTF-8
        raise DataError(f"{path} is a damaged Parquet file ({error}); write it again") from None
    if columns.num_rows == 0:
        raise DataError(f"{path} has columns but no rows; give one row per example")
    if not cells:
        raise DataError(f"{path} has no columns of numbers or text; expected {EXPECTED}")
    return Table(path, cells, names, None, nulls)


def _cells(types: Any, column: Any) -> list[str] | NDArray[Any] | None:
    """A column of numbers or texts, or None if it has another type; no value becomes an empty
    text.
    """
    text_types = (types.is_string, types.is_large_string, types.is_dictionary)
    is_text = any(fits(column.type) for fits in text_types)
    if not (is_text or types.is_integer(column.type) or types.is_floating(column.type)):
        return None
    if is_text or column.null_count:
        return ["" if value is None else str(value) for value in column.to_pylist()]
    values: NDArray[Any] = column.to_numpy()
    return values.astype(np.float64) if types.is_floating(column.type) else values


def parquet_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Encode named columns as a Parquet file.

    Raises:
        DataError: pyarrow is missing.
    """
    pyarrow, parquet = pyarrow_for("a Parquet file")
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(columns)), buffer)
    return buffer.getvalue()
