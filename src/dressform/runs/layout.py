"""Paths of files in run directories; no other module spells their names."""

import hashlib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from dressform.core.files import make_folder

DEFAULT_ROOT = Path("runs")
SHIPPED = "shipped"
"""Names the model that comes with dressform, as the name of its recipe does."""
MAX_NAME_BYTES = 100
"""Of a dataset's or recipe's folder, in UTF-8."""


@dataclass(frozen=True)
class Layout:
    """The paths inside one run directory.

    Attributes:
        root: the run directory itself.
    """

    root: Path

    @property
    def manifest(self) -> Path:
        """The manifest."""
        return self.root / "manifest.json"

    @property
    def lock(self) -> Path:
        """Lock held while a process works on the run."""
        return self.root / ".lock"

    @property
    def results(self) -> Path:
        """A row per epoch."""
        return self.root / "results.csv"

    @property
    def weights(self) -> Path:
        """Folder of all files needed for prediction."""
        return self.root / "weights"

    @property
    def checkpoint(self) -> Path:
        """State of an unfinished training."""
        return self.weights / "checkpoint.safetensors"

    @property
    def last(self) -> Path:
        """Weights after the last epoch."""
        return self.weights / "last.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the epoch that was best on validation."""
        return self.weights / "best.safetensors"

    @property
    def onnx(self) -> Path:
        """The exported network, from uint8 images to logits."""
        return self.weights / "model.onnx"

    @property
    def model(self) -> Path:
        """Input shape, preprocessing and class names of ``model.onnx``."""
        return self.weights / "model.json"

    @property
    def ood_reference(self) -> Path:
        """Features of training images for out-of-distribution detection."""
        return self.weights / "ood_reference.npz"

    def predictions(self, split: str) -> Path:
        """Ids, labels and logits of ``validation`` or ``test``."""
        return self.root / "predictions" / f"{split}.npz"

    @property
    def figures(self) -> Path:
        """Folder of images; derived, may be deleted."""
        return self.root / "figures"

    def explored(self, name: str) -> Path:
        """Cached neighbours, projections and saliency maps; derived, may be deleted."""
        return self.root / "explore" / f"{name}.npz"

    @property
    def page(self) -> Path:
        """The report as one HTML file; derived."""
        return self.root / "report.html"

    @property
    def report(self) -> Path:
        """Classification report as text; derived."""
        return self.root / "classification-report.txt"

    @property
    def report_json(self) -> Path:
        """The same with the confusion matrix, as ``dressform evaluate --json`` prints it;
        derived.
        """
        return self.root / "classification-report.json"

    @property
    def per_class(self) -> Path:
        """Precision, recall and F1 of each class with their intervals, as a table; derived."""
        return self.root / "per_class.csv"

    @property
    def card(self) -> Path:
        """The model card, as Hugging Face has it; derived."""
        return self.root / "README.md"

    def exported(self, form: str) -> Path:
        """Where ``dressform export`` writes by default; derived."""
        files = {"page": "classify.html", "keras": "model.keras"}
        return self.root / files.get(form, form)

    def make_folders(self) -> None:
        """Create the folders that files are written to."""
        for folder in (self.weights, self.predictions("validation").parent):
            make_folder(folder)


@dataclass(frozen=True)
class FoldLayout:
    """The paths of one fold of a cross-validation.

    Attributes:
        root: the fold's folder.
    """

    root: Path

    @property
    def result(self) -> Path:
        """Accuracy, epochs, seconds; written last, so a fold that has it is finished."""
        return self.root / "result.json"

    @property
    def results(self) -> Path:
        """A row per epoch."""
        return self.root / "results.csv"

    @property
    def predictions(self) -> Path:
        """Ids, labels and logits of the examples that this fold tested."""
        return self.root / "predictions.npz"

    @property
    def checkpoint(self) -> Path:
        """State of an unfinished training."""
        return self.root / "checkpoint.safetensors"


@dataclass(frozen=True)
class CrossvalLayout:
    """The paths of a cross-validation.

    Attributes:
        root: its folder.
    """

    root: Path

    @property
    def plan(self) -> Path:
        """What is run, with what and on which machine; written first."""
        return self.root / "plan.json"

    @property
    def summary(self) -> Path:
        """The scores of all folds; written last. Nothing in it depends on the machine's speed or on
        interruptions.
        """
        return self.root / "crossval.json"

    @property
    def out_of_fold(self) -> Path:
        """Out-of-fold logits of every example, and the examples' folds."""
        return self.root / "out-of-fold.npz"

    @property
    def table(self) -> Path:
        """The scores of all folds as text; derived."""
        return self.root / "folds.txt"

    @property
    def lock(self) -> Path:
        """Lock held while a process works on the cross-validation."""
        return self.root / ".lock"

    @property
    def figures(self) -> Path:
        """Folder of images; derived, may be deleted."""
        return self.root / "figures"

    def fold(self, repeat: int, fold: int) -> FoldLayout:
        """The folder of one fold; both counted from 0."""
        return FoldLayout(self.root / f"repeat{repeat}-fold{fold}")


@dataclass(frozen=True)
class TuningLayout:
    """The paths of a tuning.

    Attributes:
        root: its folder, ``tune-<digest of space, metric and seed>`` beside the recipe's runs.
    """

    root: Path

    @property
    def database(self) -> Path:
        """Finished trials, SQLite."""
        return self.root / "study.db"

    @property
    def document(self) -> Path:
        """All trials and the best one."""
        return self.root / "tuning.json"

    @property
    def figure(self) -> Path:
        """Plot of the trials' values and settings; derived."""
        return self.root / "figures" / "tuning.png"

    @property
    def lock(self) -> Path:
        """Lock held while a process works on the tuning."""
        return self.root / ".lock"


def is_run(folder: Path) -> bool:
    """Whether a folder is a run, a cross-validation or a tuning, finished or not."""
    marks = (Layout(folder).manifest, CrossvalLayout(folder).plan, TuningLayout(folder).document)
    return any(mark.is_file() for mark in marks)


def annotations(root: Path) -> Path:
    """The name, note and tags that a user gave to a run, a cross-validation or a tuning."""
    return root / "annotations.json"


def crossval_folder(
    root: Path, dataset: str, recipe: str, digest: str, folds: int, seed: int
) -> Path:
    """``root/<dataset>/<recipe>-<digest>/crossval-<K>fold-seed<n>``; further repeats go into the
    same folder.
    """
    return run_folder(root, dataset, recipe, digest, seed).with_name(
        f"crossval-{folds}fold-seed{seed}"
    )


def run_folder(
    root: Path, dataset: str, recipe: str, digest: str, seed: int, budget: float | None = None
) -> Path:
    """``root/<dataset>/<recipe>-<digest>/seed<n>``, with ``-<b>s`` for a run that the clock may
    shorten after ``budget`` seconds; see :func:`folder_name`.
    """
    limit = "" if budget is None else f"-{budget:g}s"
    recipe_folder = f"{folder_name(recipe)}-{digest}"
    return dataset_folder(root, dataset) / recipe_folder / f"seed{seed}{limit}"


def dataset_folder(root: Path, dataset: str) -> Path:
    """Folder of all runs of a dataset."""
    return root / folder_name(dataset)


def folder_name(name: str) -> str:
    """A name of others as that of a folder: other characters than letters, digits and -_. become
    hyphens, and the end of a long one a digest, since file systems allow 255 bytes.
    """
    text = unicodedata.normalize("NFC", name)
    text = "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip(".-") or "data"
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    start = text.encode()[: MAX_NAME_BYTES - 9].decode(errors="ignore")
    return f"{start.rstrip('.-')}-{digest}"


def ledger(root: Path) -> Path:
    """The ledger of evaluations on the test split, one for all runs under ``root``."""
    return root / "test-ledger.jsonl"


def runs_page(root: Path) -> Path:
    """The table of all runs under ``root`` as an HTML page; derived."""
    return root / "runs.html"


def features_folder(out: Path) -> Path:
    """Cached features of frozen backbones, shared by all runs of ``out``; may be deleted."""
    return out / "features"


def auto_plan(out: Path, dataset: str, seed: int) -> Path:
    """The plan of ``train auto``."""
    return dataset_folder(out, dataset) / f"auto-seed{seed}.json"
