"""`open_tree`: the files of a folder, or of a ZIP or TAR file without unpacking it."""

import stat
import tarfile
import zipfile
from pathlib import Path

from dressform.core.errors import DataError
from dressform.core.file_kinds import kind_of_start
from dressform.data.file_tree import MAX_DEPTH, Extent, File, FileTree, archive_suffix, walk
from dressform.data.leftovers import RUN_FILES, is_leftover, shows_runs

MAX_COMPRESSED_TAR_BYTES = 2**31
"""Decompressed bytes of a compressed TAR, which has to be held in memory."""


def open_tree(path: Path, *, strict: bool = True) -> FileTree:
    """List the files of a folder or an archive.

    Args:
        path: a folder, a ZIP or a TAR file.
        strict: whether a folder inside that may not be read is an error; otherwise it is noted.

    Raises:
        DataError: it cannot be read, or is no such archive.
    """
    tree = FileTree(path, strict=strict)
    if path.is_dir():
        walk(tree, path, "", (), 0)
    elif archive_suffix(path) == ".zip":
        _open_zip(tree)
    else:
        _open_tar(tree)
    tree.files.sort(key=lambda file: file.parts)
    if not path.is_dir():
        _keep_empty(tree)
    _leave_out_runs(tree)
    return tree


def _leave_out_runs(tree: FileTree) -> None:
    """Take folders of runs out of a tree that they lie in; a run itself may be given."""
    folders = sorted(
        file.path.rpartition("/")[0]
        for file in tree.files
        if file.path.endswith(RUN_FILES) and len(file.parts) > 1 and _shows_runs(file)
    )
    for folder in folders:
        if not f"{folder}/".startswith(tuple(f"{above}/" for above in tree.runs)):
            tree.runs.append(folder)
    if tree.runs:
        inside = tuple(f"{folder}/" for folder in tree.runs)
        tree.files = [file for file in tree.files if not file.path.startswith(inside)]
        tree.leftovers = [path for path in tree.leftovers if not path.startswith(inside)]
        tree.empty = [path for path in tree.empty if not path.startswith(inside)]
        tree.broken = [one for one in tree.broken if not one[0].startswith(inside)]


def _shows_runs(file: File) -> bool:
    try:
        return shows_runs(file.parts[-1], file.read)
    except DataError:
        return False


def _take_folder(tree: FileTree, name: str) -> None:
    """Take in a member of an archive that is a folder; whether it is empty is decided later."""
    path = _clean(name)
    parts = path.split("/") if path else []
    if path and len(parts) <= MAX_DEPTH and not any(map(is_leftover, parts)):
        tree.empty.append(path)


def _keep_empty(tree: FileTree) -> None:
    """Of the folders of an archive, only those without anything in them stay noted as empty."""
    inside = {path for path, _ in tree.broken} | {file.path for file in tree.files}
    folders = {one[:end] for one in inside | set(tree.empty) for end in _slashes(one)}
    tree.empty = sorted(set(tree.empty) - folders)


def _slashes(path: str) -> list[int]:
    return [place for place, character in enumerate(path) if character == "/"]


def _clean(name: str) -> str | None:
    """A member's name as a path below the root; None where it would lead out of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and len(parts[0]) == 2 and parts[0][1] == ":":
        parts = parts[1:]
    return None if ".." in parts or not parts else "/".join(parts)


def _take(tree: FileTree, name: str, member: zipfile.ZipInfo | Extent) -> str | None:
    """Take in a member of an archive; its path, or None if it is left out."""
    path = _clean(name)
    if path is None:
        tree.broken.append((name, "a path that leads out of the archive"))
        return None
    parts = path.split("/")
    if len(parts) > MAX_DEPTH:
        tree.broken.append((f"{parts[0]}/…/{parts[-1]}", "too deeply nested"))
        return None
    leftover = next((i for i, part in enumerate(parts) if is_leftover(part)), None)
    if leftover is not None:
        tree.leftovers.append("/".join(parts[: leftover + 1]))
        tree.empty += ["/".join(parts[:leftover])] if leftover else []
        return None
    if path in tree.members:
        return None  # the last of several members with one name counts, as for unzip
    tree.members[path] = member
    tree.add(path, None)
    return path


def _open_zip(tree: FileTree) -> None:
    root = tree.root
    try:
        archive = zipfile.ZipFile(root)
        members = archive.infolist()
    except Exception as error:  # noqa: BLE001 - damaged directories of archives raise anything
        raise _no_archive(root, "ZIP", error) from None
    tree.zip = archive
    for member in reversed(members):
        name = _zip_name(member)
        if not name or name.endswith(("/", "\\")):
            _take_folder(tree, name)
            continue
        if member.flag_bits & 0x1:
            raise DataError(f"{root} is encrypted; unpack it with its password and give the folder")
        mode = member.external_attr >> 16
        if mode and stat.S_ISLNK(mode):
            tree.broken.append((name, "a link inside an archive"))
            continue
        _take(tree, name, member)
    tree.leftovers = list(dict.fromkeys(tree.leftovers))


def _zip_name(member: zipfile.ZipInfo) -> str:
    """macOS writes UTF-8 without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.orig_filename.split("\0")[0].encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename


def _open_tar(tree: FileTree) -> None:
    root, compressed = tree.root, not _is_plain_tar(tree.root)
    found: dict[int, tuple[str, Extent]] = {}
    contents: dict[int, bytes] = {}
    total = 0
    try:
        with tarfile.open(root) as archive:
            for place, member in enumerate(archive):
                if member.isdir():
                    _take_folder(tree, member.name)
                    continue
                if not member.isfile() or member.issparse():
                    tree.broken.append((member.name, "a link or device inside an archive"))
                    continue
                found[place] = member.name, Extent(member.offset_data, member.size)
                if compressed:  # which cannot be read at random, so it is read once, in its order
                    total += member.size
                    if total > MAX_COMPRESSED_TAR_BYTES:
                        raise DataError(
                            f"{root} holds more than {MAX_COMPRESSED_TAR_BYTES:,} bytes, and a "
                            f"compressed TAR has to fit in memory; unpack it, or make a ZIP of it"
                        )
                    extracted = archive.extractfile(member)
                    contents[place] = b"" if extracted is None else extracted.read()
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - decompressors raise anything on damaged files
        raise _no_archive(root, "TAR", error) from None
    for place, (name, extent) in reversed(found.items()):
        path = _take(tree, name, extent)
        if path is not None and place in contents:
            tree.contents[path] = contents[place]
    tree.leftovers = list(dict.fromkeys(tree.leftovers))


def _is_plain_tar(root: Path) -> bool:
    """Whether a TAR is not compressed, by its content: its name may say otherwise."""
    try:
        with tarfile.open(root, "r:"):
            return True
    except (tarfile.TarError, OSError, ValueError):
        return False


def _no_archive(root: Path, kind: str, error: Exception) -> DataError:
    with root.open("rb") as file:
        start = file.read(200)
    other = kind_of_start(start)
    if other:
        return DataError(f"{root} is {other}, and no {kind}; give the data themselves, or a ZIP")
    if not start:
        return DataError(f"{root} is empty; copy it again")
    reason = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
    return DataError(f"{root} is no {kind} archive, or is damaged ({reason}); copy it again")
