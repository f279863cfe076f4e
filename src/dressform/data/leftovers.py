"""What operating systems, network drives, editors and dressform leave among a person's files."""

import re
from collections.abc import Callable

_NAMES = frozenset(
    (
        "__macosx", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r",
        "$recycle.bin", "recycler", "system volume information", "lost+found", "@eadir",
        "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@sharebin",
        "network trash folder", "temporary items", "__pycache__", "node_modules",
        "zbthumbnail.info", "picasa.ini", "sync.ffs_db", "syno_indexfile",
    )
)  # fmt: skip
_PATTERNS = re.compile(
    r"""\..+                            # hidden, and macOS's ._ files
    | ~\$.+ | .+~ | \#.+\#              # open in an office program, an editor's copies
    | .+\.(tmp|part|partial|crdownload|download|swp|swo|bak|lnk|url|filepart)
    | .+@synoeastream | syncthing.* | synofile_thumb.*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def is_leftover(name: str) -> bool:
    """Whether a file or folder of this name belongs to a program and not to a person:
    ``.DS_Store``, ``__MACOSX``, ``Thumbs.db``, ``@eaDir``, ``.ipynb_checkpoints`` and their kind.
    """
    return name.lower() in _NAMES or _PATTERNS.fullmatch(name) is not None


_LEDGER = "test-ledger.jsonl"
RUN_FILES = (_LEDGER, "manifest.json", "plan.json", "tuning.json")
"""In a folder of runs, and in that of a run, a cross-validation and a tuning. A person's files may
have the last three names, too.
"""
_OF_A_RUN = re.compile(rb'\{\s*("format": \d+,\s*("status": "\w+",\s*)?)?"recipe": "')
_START = 200


def shows_runs(name: str, read: Callable[[int], bytes]) -> bool:
    """Whether a file shows that the folder around it is one of dressform's runs.

    Args:
        name: of the file.
        read: gives so many of its first bytes.
    """
    return name == _LEDGER or (name in RUN_FILES and _OF_A_RUN.match(read(_START)) is not None)
