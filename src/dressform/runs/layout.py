"""The only place that spells a file name of a run."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = Path("runs")


@dataclass(frozen=True)
class Layout:
    """The paths inside one run directory.

    Attributes:
        root: the run directory itself.
    """

    root: Path

    @property
    def manifest(self) -> Path:
        """What was done, with what, and whether it is finished."""
        return self.root / "manifest.json"

    @property
    def lock(self) -> Path:
        """Held while a process works on the run."""
        return self.root / ".lock"

    @property
    def results(self) -> Path:
        """A row per epoch."""
        return self.root / "results.csv"

    @property
    def weights(self) -> Path:
        """Folder of everything that is needed to predict."""
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
        """Weights of the best epoch on validation."""
        return self.weights / "best.safetensors"

    @property
    def onnx(self) -> Path:
        """The network that the recipe keeps, from uint8 pictures to logits."""
        return self.weights / "model.onnx"

    @property
    def model(self) -> Path:
        """Input shape, preprocessing and class names of ``model.onnx``."""
        return self.weights / "model.json"

    def predictions(self, split: str) -> Path:
        """Ids, labels and logits of ``val`` or ``test``."""
        return self.root / "predictions" / f"{split}.npz"

    @property
    def figures(self) -> Path:
        """Folder of pictures; derived, may be deleted."""
        return self.root / "figures"

    @property
    def report(self) -> Path:
        """Classification report as text; derived."""
        return self.root / "classification-report.txt"

    @property
    def report_json(self) -> Path:
        """The same with the confusion matrix, as ``dressform evaluate --json`` prints it; derived."""
        return self.root / "classification-report.json"

    def make_folders(self) -> None:
        """Create the folders that files are written to."""
        for folder in (self.weights, self.predictions("val").parent):
            folder.mkdir(parents=True, exist_ok=True)


def run_folder(root: Path, dataset: str, recipe: str, digest: str, seed: int) -> Path:
    """``root/<dataset>/<recipe>-<digest>/seed<n>``; characters that file systems dislike become hyphens."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in dataset).strip(".-") or "data"
    return root / safe / f"{recipe}-{digest}" / f"seed{seed}"


def ledger(root: Path) -> Path:
    """The visitors' book of the test split, one for all runs under ``root``."""
    return root / "test-ledger.jsonl"
