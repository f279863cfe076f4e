"""Names that people give to the splits of a dataset."""

import re

SPLITS = ("train", "validation", "test")
"""The splits of a dataset, in their order."""
_WORDS = {
    "train": "train", "training": "train", "trn": "train", "trainval": "train",
    "validation": "validation", "validate": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "development": "validation",
    "test": "test", "testing": "test", "tst": "test", "holdout": "test",
}  # fmt: skip
_COMPOUND = {
    ("hold", "out"): "test",
    # FER2013, whose competition had two test sets
    ("public", "test"): "validation",
    ("private", "test"): "test",
}
_BESIDE = frozenset(
    [
        "set",
        "sets",
        "data",
        "dataset",
        "split",
        "splits",
        "image",
        "images",
        "img",
        "imgs",
        "photo",
        "photos",
        "picture",
        "pictures",
        "folder",
        "dir",
        "directory",
        "files",
        "seg",
        "raw",
        "full",
        "all",
        "labeled",
        "labelled",
        "labels",
        "label",
    ]
)

_UNLABELLED = frozenset(["unlabelled", "unlabeled"])


def _words(name: str) -> list[str]:
    """The words of a name in lower case; digits end a word."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W\d_]+", spaced.lower())
    return [part for word in words for part in _cut(word)]


def _cut(word: str) -> list[str]:
    """``trainset`` as ``train`` and ``set``."""
    for known in _WORDS:
        rest = word.removeprefix(known)
        if rest != word and rest in _BESIDE:
            return [known, rest]
    return [word]


def split_of_name(name: str) -> str | None:
    """The split that a folder or a table cell names: ``train``, ``validation``, ``test`` or None.

    ``train_set``, ``Training``, ``test1``, ``seg_train`` and ``images-val`` name one; ``train
    station`` and ``latest`` do not.
    """
    words = _words(name)
    splits = {_WORDS[word] for word in words if word in _WORDS}
    if tuple(words) in _COMPOUND:
        return _COMPOUND[tuple(words)]  # type: ignore[index]
    rest = [word for word in words if word not in _WORDS and word not in _BESIDE]
    return splits.pop() if len(splits) == 1 and not rest else None


def splits_of_names(names: list[str]) -> dict[str, str]:
    """Name -> split for the names of siblings that name splits.

    Beside what :func:`split_of_name` knows, several names that are the same but for the split:
    ``asl_alphabet_train`` and ``asl_alphabet_test``.
    """
    found = {name: split for name in names if (split := split_of_name(name)) is not None}
    others: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = _words(name)
        splits = [_WORDS[word] for word in words if word in _WORDS]
        if name not in found and len(splits) == 1:
            rest = tuple(word for word in words if word not in _WORDS and word not in _BESIDE)
            others.setdefault(rest, {})[name] = splits[0]
    for siblings in others.values():
        if len(set(siblings.values())) > 1:
            found |= siblings
    return found


def means_unlabelled(name: str) -> bool:
    """Whether a folder's name says that its images have no labels: ``unlabelled``,
    ``Unlabeled_images``.
    """
    words = _words(name)
    return bool(_UNLABELLED.intersection(words)) and set(words) <= _UNLABELLED | _BESIDE


def split_words(name: str) -> set[str]:
    """All splits that the words of a file's name mention: train for ``fashion-mnist_train.csv``,
    none for ``latest.csv``.
    """
    words = _words(name) + [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    return {_WORDS[word] for word in words if word in _WORDS}
