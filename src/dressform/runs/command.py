"""`train_command`: the words that train a run again."""

from pathlib import Path

from dressform.runs.layout import DEFAULT_ROOT
from dressform.runs.manifest import Manifest


def train_command(manifest: Manifest, root: Path = DEFAULT_ROOT) -> list[str]:
    """``dressform train RECIPE …``, to be joined by :func:`shlex.join`.

    Args:
        manifest: of the run.
        root: the folder of all runs.
    """
    words = ["dressform", "train", manifest.reference]
    source = manifest.dataset.source or manifest.dataset.name
    if source != "fashion-mnist":
        words += ["--data", source]
    words += manifest.dataset.options.words()
    if manifest.seed:
        words += ["--seed", str(manifest.seed)]
    words += [word for setting in manifest.settings for word in ("--set", setting)]
    return words if root == DEFAULT_ROOT else [*words, "--out", str(root)]
