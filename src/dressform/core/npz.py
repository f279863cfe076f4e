"""NPZ files: arrays by name, never pickled."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError, DressformError, ResourceError
from dressform.core.file_kinds import kind_of_start
from dressform.core.files import write_atomic


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a compressed NPZ file atomically; object arrays are refused, so no pickle
    gets in.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name!r} has dtype object, which only pickle could write")

    def write(file: BinaryIO) -> None:
        # Fixed dates inside the zip: equal arrays make equal bytes.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            for name, array in arrays.items():
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
                archive.writestr(
                    zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)),
                    buffer.getvalue(),
                    zipfile.ZIP_DEFLATED,
                )

    write_atomic(path, write)


def read_npz(
    path: Path, content: Path | bytes | None = None, *, single: bool = False
) -> dict[str, NDArray[Any]]:
    """Read all arrays of an NPZ file, never unpickling.

    Args:
        path: the file, and its name in messages.
        content: where the bytes are, if not at ``path``: inside an archive.
        single: take an NPY file too, as one array named ``array``.

    Raises:
        DataError: missing, truncated, not NPZ, or holding pickled objects.
        ResourceError: there is not enough memory.
    """
    try:
        with io.BytesIO(content) if isinstance(content, bytes) else path.open("rb") as file:
            if not (start := file.read(6)).startswith((b"PK", b"\x93NUMPY")):
                file.seek(0)
                kind = kind_of_start(file.read(200))
                raise DataError(
                    f"{path} is {kind or f'not an NPZ file (it starts with {start!r})'}; write it "
                    f"with numpy.savez"
                )
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                if single:
                    return {"array": archive}
                raise DataError(
                    f"{path} holds one array; an .npz with named arrays is needed (numpy.savez)"
                )
            with archive:
                arrays = {name: archive[name] for name in archive.files}
        strange = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
        if strange:
            raise DataError(
                f"{path} holds {strange[0]}, which is not an array; save it again with numpy.savez "
                f"and plain arrays"
            )
        return arrays
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except MemoryError as error:
        raise ResourceError(f"there is not enough memory to read {path}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{path} cannot be read as NPZ: it is truncated or damaged ({error}); copy it again"
        ) from error
    except Exception as error:
        if isinstance(error, DressformError):
            raise
        raise DataError(
            f"{path} cannot be read as NPZ without pickle ({error}); save it again with "
            f"numpy.savez and plain arrays"
        ) from error
