"""The table of datasets that have a name."""

from dataclasses import dataclass
from pathlib import Path

from dressform.core.errors import DataError
from dressform.data.provenance import FASHION_MNIST_CLASSES


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset that travels with dressform.

    Attributes:
        name: what ``--data`` calls it.
        folder: its folder under ``data/``.
        class_names: in label order.
        description: one line.
        licence: and owner.
    """

    name: str
    folder: str
    class_names: tuple[str, ...]
    description: str
    licence: str

    def path(self) -> Path:
        """Where its files are: inside the installed package, or in the repository it was installed
        from.

        Raises:
            DataError: the installation lacks them.
        """
        package = Path(__file__).resolve().parent.parent
        for folder in (
            package / "files" / self.folder,
            package.parent.parent / "data" / self.folder,
        ):
            if folder.is_dir():
                return folder
        raise DataError(f"the files of {self.name} are not installed; install dressform again")


CATALOG = {
    spec.name: spec
    for spec in (
        DatasetSpec(
            name="fashion-mnist",
            folder="fashion-mnist",
            class_names=FASHION_MNIST_CLASSES,
            description="70,000 grey pictures of clothing, 28 x 28, ten classes: 60,000 to train, "
            "10,000 to test",
            licence="MIT, Zalando SE",
        ),
    )
}
"""name -> spec. A new dataset is one more value here."""
