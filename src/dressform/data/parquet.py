"""Parquet files, by pyarrow, an optional dependency that is imported on first use."""

import io
import json
from collections.abc import Mapping
from typing import Any

from dressform.core.errors import DataError
from dressform.core.parquet import pyarrow_for
from dressform.core.text import class_name
from dressform.data.delimited import Delimited
from dressform.data.file_tree import File


class ParquetTable:
    """A Parquet file.

    Args:
        file: to read.

    Attributes:
        name: for messages.
        names: of the columns.
        rows: number of rows.

    Raises:
        DataError: it is damaged, or pyarrow is missing.
    """

    def __init__(self, file: File) -> None:
        self.name = file.name
        pyarrow, parquet = pyarrow_for(file.name)
        self._errors = (pyarrow.ArrowException, ValueError, OSError, KeyError, TypeError)
        try:
            source: Any = io.BytesIO(file.read()) if file.local is None else file.local
            self._file = parquet.ParquetFile(source)
            self._schema = self._file.schema_arrow
            self.names: list[str] = list(self._schema.names)
            self.rows: int = self._file.metadata.num_rows
        except self._errors as error:
            raise self._damaged(error) from None

    def _damaged(self, error: BaseException) -> DataError:
        reason = str(error).partition("\n")[0]
        return DataError(f"{self.name} is a damaged Parquet file ({reason}); download it again")

    def image_column(self, given: str | None) -> str | None:
        """The column with encoded images: bytes, or a struct with bytes as the hub writes it."""
        import pyarrow.types as types

        for field in self._schema:
            if given not in (None, field.name):
                continue
            kind = field.type
            if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
                kind = kind.field(kind.get_field_index("bytes")).type
            if types.is_binary(kind) or types.is_large_binary(kind):
                return str(field.name)
        return None

    def values(self, name: str) -> list[Any]:
        """The cells of a column.

        Raises:
            DataError: the file is damaged.
        """
        try:
            column = self._file.read(columns=[name], use_threads=False).column(name)
            return list(column.to_pylist())
        except self._errors as error:
            raise self._damaged(error) from None

    def texts(self, name: str) -> list[str]:
        """The cells of a column as text; empty where there is none."""
        return ["" if value is None else str(value) for value in self.values(name)]

    def delimited(self) -> Delimited:
        """The same as a text table, without columns of lists or bytes.

        Raises:
            DataError: the file is damaged.
        """
        from pyarrow import csv, types

        # lists and bytes have no form as text, and are neither pixels nor labels
        names = [
            field.name
            for field in self._schema
            if not (types.is_nested(field.type) or types.is_binary(field.type))
        ]
        try:
            buffer = io.BytesIO()
            csv.write_csv(self._file.read(columns=names, use_threads=False), buffer)
        except self._errors as error:
            raise self._damaged(error) from None
        body = buffer.getvalue().partition(b"\n")[2].rstrip()
        return Delimited(self.name, body, ",", tuple(names), 1, {})

    def class_names(self, name: str) -> tuple[str, ...] | None:
        """The names of a column of label numbers, where the file holds them as the hub writes
        them.
        """
        raw = (self._schema.metadata or {}).get(b"huggingface")
        try:
            features: Any = json.loads(raw)["info"]["features"] if raw else {}
            names = features[name]["names"]
        except (ValueError, KeyError, TypeError):
            return None
        if isinstance(names, Mapping):
            names = [names[str(i)] for i in range(len(names)) if str(i) in names]
        return tuple(class_name(str(name)) for name in names) if isinstance(names, list) else None
