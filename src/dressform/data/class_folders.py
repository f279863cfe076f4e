"""Class folders of images, at any depth, with or without split folders above or below them.

What a tree of folders is gets decided by names and by where images lie, before any is read. Where
two readings are possible, neither is chosen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dressform.core.errors import DataError
from dressform.core.text import class_name, counted
from dressform.data.broken_files import with_broken_files, without_broken_names
from dressform.data.contents import (
    Contents,
    ImageSource,
    Part,
    sorted_names,
    such_as,
)
from dressform.data.dataset import LeftOut
from dressform.data.file_tree import File, FileTree
from dressform.data.folder import Folder
from dressform.data.split_names import SPLITS, means_unlabelled, splits_of_names


@dataclass
class _Found:
    """Files by split and class, and what was met on the way."""

    tree: FileTree
    rows: list[tuple[str, str, File]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    empty: list[tuple[str, str]] = field(default_factory=list)
    """Split and path of each folder of a class that has no files."""

    def shown(self, folder: Folder) -> str:
        """A folder's path as the user would write it."""
        return f"{self.tree.root}/{folder.path}" if folder.path else str(self.tree.root)

    def take(self, split: str, name: str, files: Iterable[File]) -> None:
        for file in files:
            self.rows.append((split, class_name(name), file))


def read_class_folders(tree: FileTree, root: Folder) -> Contents:
    """Read a tree of class folders.

    Args:
        tree: the files.
        root: of the tree.

    Raises:
        DataError: there are no class folders, or the tree can be read in several ways, which are
            named.
    """
    found = _Found(tree)
    _leave_out_unlabelled(root, found)
    chain = _unwrapped(root, found)
    _read_top(chain[-1], found)
    _check_empty(found)
    _check_names(found)
    _tell_what_is_left(chain, found)
    return _contents(found)


def _leave_out_unlabelled(folder: Folder, found: _Found) -> None:
    """Folders that are called ``unlabelled`` and have others with images beside them."""
    inside = folder.with_images()
    unlabelled = [name for name in inside if means_unlabelled(name)]
    for name in unlabelled if len(unlabelled) < len(inside) else []:
        count = counted(len(folder.folders.pop(name).all_images()), "image")
        found.notes.append(
            f"left out {count} in {name}, since its name says that they have no labels; rename the "
            f"folder if it is a class"
        )
    for one in folder.folders.values():
        _leave_out_unlabelled(one, found)


def _unwrapped(root: Folder, found: _Found) -> list[Folder]:
    """The root, and what it only wraps: the folders down to the one with splits or classes."""
    chain = [root]
    while True:
        inside = chain[-1].with_images()
        if len(inside) != 1:
            return chain
        ((name, only),) = inside.items()
        if not only.with_images() or splits_of_names([name]):
            return chain
        found.reasons.append(f"{found.shown(chain[-1])} only holds {name}, so {name} was read")
        chain.append(only)


def _read_top(folder: Folder, found: _Found) -> None:
    inside = folder.with_images()
    splits = splits_of_names(list(inside))
    deep = {name for name, one in inside.items() if one.with_images()}
    labelled = {name: split for name, split in splits.items() if name in deep}
    flat, others = sorted(set(splits) - deep), sorted(set(inside) - set(splits))
    if not inside:
        raise _no_class_folders(folder, found)
    if not splits:
        _read_classes(folder, None, found)
    elif labelled:
        _read_splits(folder, labelled, found)
        for name in flat:
            found.used.add(inside[name].path)
            found.notes.append(_unlabelled(name, len(inside[name].all_images())))
    elif len(splits) == 1 and others and not labelled:
        found.reasons.append(
            f"{flat[0]} is a class: {such_as(others)} beside it are not names of splits"
        )
        _read_classes(folder, "train", found)
    elif others:
        raise DataError(
            f"{found.shown(folder)} can be read in two ways: {', '.join(sorted(splits))} are "
            f"splits, or classes beside {such_as(others)}; rename the folders, or give a table of "
            f"images and labels"
        )
    else:
        raise DataError(
            f"{found.shown(folder)} has {', '.join(flat)} without class folders in them; put the "
            f"images of each class into a folder named after it "
            f"({flat[0]}/dress/1.jpg), or add a table of images and labels"
        )


def _no_class_folders(folder: Folder, found: _Found) -> DataError:
    if folder.images:
        return DataError(
            f"{found.shown(folder)} has {len(folder.images):,} images but no class folders; put "
            f"the images of each class into a folder named after it, or add a table of images and "
            f"labels"
        )
    return DataError(
        f"{found.shown(folder)} has no sub-folders with images; put the images of each class into "
        f"a folder named after the class"
    )


def _alike(folders: dict[str, Folder]) -> bool:
    """Whether all folders have the same two or more sub-folders, and no images beside them."""
    names = [set(folder.with_images()) for folder in folders.values()]
    shared = set.intersection(*names)
    return len(names) > 1 and len(shared) > 1 and not any(f.images for f in folders.values())


def _read_splits(folder: Folder, splits: dict[str, str], found: _Found) -> None:
    by_split: dict[str, str] = {}
    for name, split in splits.items():
        if split in by_split:
            raise DataError(
                f"{found.shown(folder)} has both {by_split[split]} and {name} for {split}; keep one"
            )
        by_split[split] = name
    for split in SPLITS:
        if split in by_split:
            name = by_split[split]
            found.reasons.append(f"{name} is the split {split}, by its name")
            one = folder.folders[name]
            found.used.add(one.path)
            one = _inside(one)
            if not one.with_images():
                count = len(one.all_images())
                found.notes.append(_unlabelled(name, count))
                continue
            _tell_loose(one, found)
            _read_classes(one, split, found)
    empty = _empty_in(folder, found)
    named = [name for name in splits_of_names([*splits, *empty]) if name in empty]
    if named:
        several = "folders" if len(named) > 1 else "folder"
        found.notes.append(f"left out split {several} without images: {such_as(named)}")


def _inside(folder: Folder) -> Folder:
    """Of a split folder that only wraps another of its kind (``train/train``), the inner one."""
    while len(folder.with_images()) == 1:
        ((name, only),) = folder.with_images().items()
        same = name.lower() == folder.path.rpartition("/")[2].lower() or splits_of_names([name])
        if not only.with_images() and not same:
            break
        folder = only
    return folder


def _unlabelled(name: str, count: int) -> str:
    return f"{name} has no class folders, so its {count:,} images have no labels and were left out"


def _tell_loose(folder: Folder, found: _Found) -> None:
    loose = sorted(file.parts[-1] for file in folder.images)
    if loose:
        found.notes.append(
            f"ignored {counted(len(loose), 'image')} outside the class folders: {such_as(loose)}"
        )


def _read_classes(folder: Folder, split: str | None, found: _Found) -> None:
    """Take the sub-folders as classes; as classes with split folders inside if ``split`` is
    None and all have such.
    """
    inside = folder.with_images()
    if split is None:
        below = [splits_of_names(list(one.with_images())) for one in inside.values()]
        if len(inside) > 1 and all(
            names and len(names) == len(one.with_images()) and not one.images
            for names, one in zip(below, inside.values(), strict=True)
        ):
            _read_classes_with_splits(folder, found)
            return
    if _alike(inside):
        sub = sorted(next(iter(inside.values())).with_images())
        first = next(iter(inside))
        raise DataError(
            f"{found.shown(folder)} can be read in two ways: the classes are "
            f"{such_as(list(inside))}, or {such_as(sub)}, which each of them has; give one "
            f"of them, such as {found.shown(folder)}/{first}, or rearrange the folders"
        )
    wide = [name for name, one in inside.items() if len(one.with_images()) > 1 and not one.images]
    if len(wide) == 1 and len(inside) > 1:
        inner = inside[wide[0]]
        if len(inner.all_images()) * 2 > sum(len(one.all_images()) for one in inside.values()):
            raise DataError(
                f"{found.shown(folder)} can be read in two ways: the classes are "
                f"{such_as(list(inside))}, or {such_as(sorted(inner.with_images()))} in "
                f"{wide[0]}; give {found.shown(inner)}, or rearrange the folders"
            )
    for name, one in inside.items():
        found.used.add(one.path)
        found.take(split or "train", name, one.all_images())
    names = sorted_names(inside)
    where = "" if split is None else f" of {split}"
    found.reasons.append(
        f"the classes{where} are the folders in {found.shown(folder)}: {such_as(names, 10)}"
    )
    nested = [name for name, one in inside.items() if one.with_images()]
    if nested:
        found.reasons.append(f"sub-folders belong to their class: {such_as(nested)}")
    joined = [name for name in nested if len(inside[name].with_images()) > 1]
    if joined:
        subs = [f"{name}/{inner}" for name in joined for inner in inside[name].with_images()]
        found.notes.append(
            f"the classes are {such_as(names)}; their sub-folders were joined: {such_as(subs)}"
        )
    _find_empty(folder, split or "train", found)


def _read_classes_with_splits(folder: Folder, found: _Found) -> None:
    inside = folder.with_images()
    for name, one in inside.items():
        below = one.with_images()
        found.used.add(one.path)
        for sub, split in splits_of_names(list(below)).items():
            found.take(split, name, below[sub].all_images())
    found.reasons.append(
        f"the classes are the folders in {found.shown(folder)}: {such_as(sorted_names(inside), 10)}"
    )
    found.reasons.append("each class has folders that name splits, so these are the splits")
    order = {split: place for place, split in enumerate(SPLITS)}
    found.rows.sort(key=lambda row: order[row[0]])
    _find_empty(folder, "train", found)


def _find_empty(folder: Folder, split: str, found: _Found) -> None:
    """Note the folders without any file beside those of the classes."""
    start = f"{folder.path}/" if folder.path else ""
    found.empty += [(split, start + name) for name in _empty_in(folder, found)]


def _empty_in(folder: Folder, found: _Found) -> list[str]:
    """The folders directly in another one that hold no file at any depth."""
    start = f"{folder.path}/" if folder.path else ""
    below = [path.removeprefix(start) for path in found.tree.empty if path.startswith(start)]
    names = dict.fromkeys(path.partition("/")[0] for path in below)
    return [name for name in names if name not in folder.folders]


def _check_empty(found: _Found) -> None:
    """Tell which classes have no images.

    Raises:
        DataError: they are needed: without them fewer than two are left, or other splits have them.
    """
    classes = {split: {name for one, name, _ in found.rows if one == split} for split in SPLITS}
    others = classes["validation"] | classes["test"]
    for split, path in found.empty:
        name = class_name(path.rpartition("/")[2])
        if split == "train" and len(classes["train"]) < 2:
            raise DataError(
                f"class folder {found.tree.root}/{path} has no images, so only one class is left, "
                f"{min(classes['train'])}; a classifier needs two or more: add images of {name}"
            )
        if split == "train" and name in others:
            raise DataError(
                f"class folder {found.tree.root}/{path} has no images, but other splits have "
                f"images of {name}; add some to train, or remove the class from every split"
            )
    if found.empty:
        paths = [path for _, path in found.empty]
        several = "folders" if len(paths) > 1 else "folder"
        found.notes.append(f"left out class {several} without images: {such_as(paths, 10)}")


def _check_names(found: _Found) -> None:
    """Tell of names that are easily confused."""
    spellings: dict[str, set[str]] = {}
    for path in found.used:
        name = path.rpartition("/")[2]
        spellings.setdefault(class_name(name), set()).add(name)
    for name, several in spellings.items():
        if len(several) > 1:
            found.notes.append(
                f"{len(several)} spellings of {name} (in Unicode, or with blanks around it) were "
                f"joined into one class"
            )


def _tell_what_is_left(chain: list[Folder], found: _Found) -> None:
    """Tell what was not read: beside the class folders, beside what wraps them, and inside."""
    unused: list[Folder] = []
    others: list[File] = []
    for folder in chain:
        for one in folder.folders.values():
            reached = any(f"{used}/".startswith(f"{one.path}/") for used in found.used)
            unused += [] if reached else [one]
        others += folder.others
        _tell_loose(folder, found)
    with_images = [one.path for one in unused if one.has_images]
    without = [one.path for one in unused if not one.has_images]
    if with_images:
        count = sum(len(one.all_images()) for one in unused)
        found.notes.append(
            f"ignored folders beside the splits: {such_as(with_images)} ({counted(count, 'image')})"
        )
    if without:
        found.notes.append(f"ignored folders without images: {such_as(without)}")
    if others:
        names = sorted(file.path for file in others)
        found.notes.append(f"ignored files next to the class folders: {such_as(names, 5)}")
    told = {file.path for file in others} | {f.path for one in unused for f in one.all_others()}
    inside = [f.path for f in chain[0].all_others() if f.path not in told]
    if inside:
        found.notes.append(
            f"ignored "
            f"{counted(len(inside), 'file that is not an image', 'files that are not images')}"
            f": {such_as(inside)}"
        )


def _contents(found: _Found) -> Contents:
    parts: dict[str, Part] = {}
    bad: list[LeftOut] = []
    for split in SPLITS:
        rows = [(name, file) for one, name, file in found.rows if one == split]
        if not rows:
            continue
        rows = without_broken_names(rows, bad)
        names = sorted_names({name for name, _ in rows})
        place = {name: i for i, name in enumerate(names)}
        rows.sort(key=lambda row: place[row[0]])
        parts[split] = Part(
            [name for name, _ in rows],
            [file.path for _, file in rows],
            [ImageSource(file.name, file) for _, file in rows],
        )
    contents = Contents(
        found.tree.name,
        parts,
        notes=tuple(found.notes),
        reasons=tuple(found.reasons),
        bad=tuple(bad),
        empty=tuple(class_name(path.rpartition("/")[2]) for _, path in found.empty),
    )
    return with_broken_files(contents, found.tree)
