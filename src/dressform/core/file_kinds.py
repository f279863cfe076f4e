"""What files are that cannot be read, by how they begin and what they are called."""

from pathlib import PurePosixPath

_STARTS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB ", "a MATLAB file"),
    (b"%PDF-", "a PDF"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with git lfs "
                                 "pull"),
    (b"\x80\x02", "a pickle, which may run code when it is opened"),
    (b"\x80\x03", "a pickle, which may run code when it is opened"),
    (b"\x80\x04", "a pickle, which may run code when it is opened"),
    (b"\x80\x05", "a pickle, which may run code when it is opened"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office file"),
)  # fmt: skip
_SUFFIXES = {
    (".pkl", ".pickle", ".pt", ".pth", ".joblib"): "a pickle, which may run code when it is opened",
    (".mat",): "a MATLAB file",
    (".h5", ".hdf5"): "an HDF5 file",
    (".tfrecord", ".tfrecords"): "a TFRecord file",
    (".rar",): "a RAR archive",
    (".7z",): "a 7z archive",
    (".zst",): "a Zstandard archive",
    (".xls", ".xlsx", ".xlsm"): "an Excel workbook; save it as CSV",
    (".ods",): "an OpenDocument spreadsheet; save it as CSV",
    (".lmdb", ".mdb"): "an LMDB database",
    (".svg",): "an SVG drawing",
    (".pdf",): "a PDF",
}


def kind_of_start(start: bytes) -> str | None:
    """What a file is that begins so, with an article: ``a PDF``, ``an HTML page``; None if that is
    not known.
    """
    text = start[:200].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "an HTML page, such as a site shows in place of a download"
    if text.startswith(b"<?xml") or text.startswith(b"<svg"):
        return "an SVG drawing" if b"<svg" in text else "an XML file"
    return next((kind for magic, kind in _STARTS if start.startswith(magic)), None)


def kind_of_file(name: str, start: bytes) -> str | None:
    """What a file is by its beginning, or else by its name; None if neither says."""
    suffix = PurePosixPath(name.lower()).suffix
    return kind_of_start(start) or next(
        (kind for suffixes, kind in _SUFFIXES.items() if suffix in suffixes), None
    )
