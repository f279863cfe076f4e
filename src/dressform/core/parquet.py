"""pyarrow, which reads and writes Parquet, where it is installed."""

from pathlib import Path
from typing import Any

from dressform.core.errors import DataError


def pyarrow_for(file: str | Path) -> tuple[Any, Any]:
    """``pyarrow`` and ``pyarrow.parquet``.

    Args:
        file: that needs them, for the message.

    Raises:
        DataError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            f"{file} needs pyarrow; install it with pip install 'dressform[parquet]', or use CSV"
        ) from None
    return pyarrow, pyarrow.parquet
