"""What operating systems, network drives and editors leave among a person's files."""

import re

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
