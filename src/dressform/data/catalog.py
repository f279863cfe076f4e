"""The catalogue of bundled datasets."""

from dataclasses import dataclass
from pathlib import Path

from dressform.core.display import brief
from dressform.core.errors import DataError
from dressform.data.provenance import FASHION_MNIST_CLASSES


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset bundled with dressform.

    Attributes:
        name: as given to ``--data``.
        folder: its folder below ``data/``.
        class_names: in label order.
        description: one line.
        licence: licence and owner.
    """

    name: str
    folder: str
    class_names: tuple[str, ...]
    description: str
    licence: str

    def __repr__(self) -> str:
        return brief(self, self.name, self.description)

    def path(self) -> Path:
        """The folder of its files: in the installed package, or in the repository it was installed
        from.

        Raises:
            DataError: the files are not installed.
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
            description="70,000 greyscale images of clothing, 28 x 28, ten classes: 60,000 for "
            "training, 10,000 for testing",
            licence="MIT, Zalando SE",
        ),
    )
}
"""name -> spec. To add a dataset, add a value here."""
