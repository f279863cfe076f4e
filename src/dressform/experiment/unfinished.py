"""`Unfinished`: what there is to continue, told where `--resume` matches nothing."""

import logging
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from dressform.core.errors import DressformError, RunError
from dressform.core.files import is_locked, read_json
from dressform.runs.layout import CrossvalLayout, Layout, TuningLayout
from dressform.runs.manifest import Manifest

logger = logging.getLogger(__name__)

SHOWN, SHOWN_DIFFERENCES = 3, 3


@dataclass(frozen=True)
class Facts:
    """What decides whether one training continues another.

    Attributes:
        recipe: its name.
        seed: of the training.
        data: digest of the training examples, or of all splits.
        settings: everything else, under the names that a user gives it.
    """

    recipe: str
    seed: int
    data: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Unfinished:
    """A run, cross-validation or tuning that could be continued.

    Attributes:
        path: its folder.
        facts: of its training.
        done: how far it is, such as ``3 of 7 epochs``.
    """

    path: Path
    facts: Facts
    done: str

    def differences(self, other: Facts) -> list[str]:
        """What the other has in its place, for people."""
        mine, theirs = _flat(self.facts.settings), _flat(other.settings)
        names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
        differences = [
            f"{name} {_shown(mine.get(name))} there, {_shown(theirs.get(name))} here"
            for name in names
        ]
        if self.facts.recipe != other.recipe:  # whose settings differ in everything
            differences = [f"recipe {self.facts.recipe}"]
        if self.facts.seed != other.seed:
            differences.insert(0, f"seed {self.facts.seed} there, {other.seed} here")
        if self.facts.data != other.data:
            differences.append("other data")
        more = len(differences) - SHOWN_DIFFERENCES
        return [*differences[:SHOWN_DIFFERENCES], *([f"{more} more"] if more > 0 else [])]

    def close_to(self, other: Facts) -> bool:
        """Whether it was probably meant: the same recipe and seed."""
        return (self.facts.recipe, self.facts.seed) == (other.recipe, other.seed)

    def describe(self, other: Facts) -> str:
        """One of a list."""
        return f"{self.path} ({self.done}; {', '.join(self.differences(other))})"


def tell_nothing_to_continue(wanted: Facts, dataset: str, unfinished: Sequence[Unfinished]) -> None:
    """Say in one line what there is in place of what was to be continued.

    Args:
        wanted: what was to be continued, and is not there.
        dataset: its name.
        unfinished: of the same dataset's name.

    Raises:
        RunError: something of the same recipe and seed is unfinished, so a setting or the data are
            probably not what was meant. Anything else is told, and training begins.
    """
    what = f"nothing to continue for {wanted.recipe}, seed {wanted.seed}, on {dataset}"
    if not unfinished:
        logger.info(f"{what}: it begins now")
        return
    close = [one for one in unfinished if one.close_to(wanted)]
    shown = [one.describe(wanted) for one in [*close, *(o for o in unfinished if o not in close)]]
    more = [f"{len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    listed = "; ".join([*shown[:SHOWN], *more])
    if close:
        raise RunError(
            f"{what} with these settings; unfinished: {listed}; give the settings of one of these, "
            f"or leave out resume=True to start over"
        )
    logger.warning(f"{what}, so it begins now; unfinished: {listed}")


def unfinished_runs(folder: Path) -> list[Unfinished]:
    """The runs of a dataset's folder that nobody is working on."""
    found = []
    for path in _newest(folder.glob("*/seed*/manifest.json")):
        layout = Layout(path.parent)
        try:
            manifest = Manifest.load(path)
        except DressformError:  # damaged: nothing to continue
            continue
        if manifest.status == "finished" or is_locked(layout.lock):
            continue
        epochs = manifest.resolved.get("epochs")
        done = f"{manifest.state}, {_rows(layout.results)} of {epochs} epochs"
        found.append(Unfinished(layout.root, facts_of_run(manifest), done))
    return found


def facts_of_run(manifest: Manifest) -> Facts:
    """The facts of a run."""
    digests = manifest.dataset.digests
    data = " ".join(
        [*(digests[name] for name in sorted(digests)), manifest.dataset.hold_out_digest]
    )
    settings = {k: v for k, v in manifest.resolved.items() if k != "name"}
    if manifest.time_limit is not None:
        settings["budget"] = manifest.time_limit.budget
    return Facts(manifest.recipe, manifest.seed, data, settings)


def unfinished_crossvals(folder: Path) -> list[Unfinished]:
    """The cross-validations of a dataset's folder that nobody is working on."""
    found = []
    for path in _newest(folder.glob("*/crossval-*/plan.json")):
        layout = CrossvalLayout(path.parent)
        if layout.summary.exists() or is_locked(layout.lock):
            continue
        try:
            plan = read_json(path)
            settings = {k: v for k, v in plan["resolved"].items() if k != "name"}
            facts = Facts(
                plan["recipe"], plan["seed"], plan["data_digest"], {"folds": plan["k"], **settings}
            )
            all_folds = plan["k"] * len(plan["fold_digests"])
        except (DressformError, KeyError, TypeError, AttributeError, ValueError):
            continue
        finished = len(list(layout.root.glob("*/result.json")))
        done = f"{finished} of {all_folds} folds"
        found.append(Unfinished(layout.root, facts, done))
    return found


def tunings(folder: Path) -> list[Unfinished]:
    """The tunings of a dataset's folder that nobody is working on: all, since any can be given more
    trials.
    """
    found = []
    for path in _newest(folder.glob("*/tune-*/tuning.json")):
        layout = TuningLayout(path.parent)
        if is_locked(layout.lock):
            continue
        try:
            document = read_json(path)
            facts = facts_of_tuning(
                document["recipe"],
                document["seed"],
                document["space"],
                document["metric"],
                _training(document),
            )
            done = f"{len(document['trials'])} trials"
        except (DressformError, KeyError, TypeError, AttributeError, ValueError):
            continue
        found.append(Unfinished(layout.root, facts, done))
    return found


def _training(document: Mapping[str, Any]) -> list[str]:
    """The words of the training that a tuning's trials start from: its command without the best
    trial's settings, which end it.
    """
    words = shlex.split(document["command"] or "")
    best = document["best"]
    return words[: len(words) - 2 * len(best["settings"])] if best else words


def facts_of_tuning(
    recipe: str, seed: int, space: Mapping[str, str], metric: str, train: Sequence[str]
) -> Facts:
    """The facts of a tuning; ``train`` are the words of the training that trials start from."""
    changed = [text for word, text in pairwise(train) if word == "--set"]
    settings = dict(text.partition("=")[::2] for text in changed)
    ranges = {f"range of {path}": text for path, text in space.items()}
    return Facts(recipe, seed, "", {**settings, **ranges, "metric": metric})


def _newest(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: -path.stat().st_mtime)


def _rows(results: Path) -> int:
    try:
        return max(0, len(results.read_text(encoding="utf-8").splitlines()) - 1)
    except (OSError, UnicodeDecodeError):
        return 0


def _flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
