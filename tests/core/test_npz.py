"""Arrays in NPZ files: the same bytes for the same arrays, and never pickled."""

from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.core.npz import read_npz, write_npz


def test_npz_is_the_same_bytes_for_the_same_arrays_and_refuses_objects(tmp_path: Path) -> None:
    arrays = {"a": np.arange(5), "b": np.array(["x", "yy"])}
    write_npz(tmp_path / "1.npz", arrays)
    write_npz(tmp_path / "2.npz", arrays)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    assert read_npz(tmp_path / "1.npz")["b"].tolist() == ["x", "yy"]
    with pytest.raises(TypeError, match="only pickle could write"):
        write_npz(tmp_path / "3.npz", {"a": np.array([{}], dtype=object)})
    np.save(tmp_path / "one.npz.npy", np.arange(3))
    with pytest.raises(DataError, match="holds one array"):
        read_npz(tmp_path / "one.npz.npy")
    with pytest.raises(DataError, match="does not exist"):
        read_npz(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("I am a text")
    with pytest.raises(
        DataError, match=r"text.npz is not an NPZ file \(it starts with b'I am a'\)"
    ):
        read_npz(tmp_path / "text.npz")
