"""`ServiceProject`: a project of a service, by Python."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dressform.client.records import (
    ModelVersion,
    RefusedFile,
    ServiceError,
    ServicePrediction,
    Upload,
    prediction_of,
    record_of,
    upload_of,
)
from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.archive_tree import open_tree
from dressform.data.file_tree import File

if TYPE_CHECKING:
    from dressform.client.client import Client

BATCH_FILES = 64
BATCH_BYTES = 16 * 2**20
"""Of one request; a larger file goes alone."""
MAX_PREDICTED = 64
"""Images of one prediction request."""
Progress = Callable[[Mapping[str, Any]], None]


class ServiceProject:
    """A project of a service.

    Args:
        client: that reaches it.
        project_id: 32 hexadecimal digits.
        name: of the project.

    Attributes:
        id: of the project.
        name: of the project.
    """

    def __init__(self, client: "Client", project_id: str, name: str) -> None:
        self._client, self.id, self.name = client, project_id, name
        self._path = f"/projects/{quote(project_id, safe='')}"

    def __repr__(self) -> str:
        return f"ServiceProject({self.name!r}, {self.id!r})"

    def counts(self) -> dict[str, int]:
        """Labelled images of each class.

        Raises:
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        found = self._client.request("GET", self._path)["classes"]
        return {one["name"]: one["images"] for one in found}

    def upload(self, images: str | Path, label: str | None = None) -> Upload:
        """Upload an image, a folder or a ZIP.

        Args:
            images: its path. In a folder or a ZIP, folders are classes, unless a table there (such
                as ``labels.csv``) lists the images with their labels.
            label: class of all of them.

        Raises:
            DataError: there is no such file, a folder without images, or one whose table cannot be
                used.
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        path = user_path(images)
        if path.is_dir():
            return self._upload_folder(path, label)
        if not path.is_file():
            raise DataError(f"{path} does not exist")
        params = {} if label is None else {"label": label}
        is_zip = path.suffix.lower() == ".zip"
        if not is_zip:
            params["name"] = path.name
        with path.open("rb") as file:
            found = self._client.request(
                "POST",
                f"{self._path}/images{'/zip' if is_zip else ''}",
                params=params,
                content=file,
                headers={"Content-Type": "application/octet-stream"},
            )
        return upload_of(found)

    def _upload_folder(self, folder: Path, label: str | None) -> Upload:
        from dressform.service.tree_labels import labels_of

        tree = open_tree(folder)
        images = [file for file in tree.files if file.is_image]
        if not images:
            raise DataError(f"{folder} has no images; give a folder with class folders of images")
        found = None if label is not None else labels_of(tree)
        classes = dict[str, str | None]() if found is None else found.classes
        batches: dict[str | None, list[File]] = {}
        for file in images:
            batches.setdefault(classes.get(file.path, label), []).append(file)
        result = Upload()
        for own, files in batches.items():
            for batch in _batches(files):
                result += self._upload_batch(batch, own)
        used = [] if found is None else found.tables
        others = [f.path for f in tree.files if not f.is_image and f.path not in used]
        refused = [(path.rpartition("/")[2], f"{path} is {why}") for path, why in tree.broken]
        refused += [] if found is None else [(name, str(why)) for name, why in found.refused]
        return result + Upload(
            refused=tuple(RefusedFile(name=name, error=error) for name, error in refused),
            left_out=tuple(sorted([*tree.leftovers, *others])),
            notes=() if found is None else tuple(found.notes),
        )

    def _upload_batch(self, batch: list[tuple[str, bytes]], label: str | None) -> Upload:
        params = {"labels": "none"} if label is None else {"label": label}
        files = [("file", part) for part in batch]
        return upload_of(
            self._client.request("POST", f"{self._path}/images", params=params, files=files)
        )

    def train(self, *, progress: Progress | None = None) -> ModelVersion:
        """Train a new version, and wait until it is ready.

        Args:
            progress: called with each step, such as ``{"epoch": 3, "epochs": 20, …}``.

        Raises:
            ServiceError: there are too few images, or the training failed or was cancelled.
            ResourceError: the service cannot be reached.
        """
        job = self._client.request("POST", f"{self._path}/trainings")
        end = job
        for name, data in self._client.events(f"{self._path}/jobs/{job['id']}/events"):
            if name == "end":
                end = data
            elif progress is not None:
                progress(data)
        if end["state"] != "succeeded":
            raise ServiceError(
                f"the training of version {job['version']} has {end['state']}"
                f"{': ' + end['error'] if end['error'] else ''}",
                409,
            )
        return self.model(job["version"])

    def models(self) -> list[ModelVersion]:
        """All versions, newest first.

        Raises:
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        found = self._client.request("GET", f"{self._path}/models")["models"]
        return [record_of(ModelVersion, one) for one in found]

    def model(self, version: int) -> ModelVersion:
        """A version.

        Raises:
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        return record_of(
            ModelVersion, self._client.request("GET", f"{self._path}/models/{version:d}")
        )

    def promote(self, version: int) -> ModelVersion:
        """Have a version answer predictions: a newer one, or an older one again (roll back).

        Raises:
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        path = f"{self._path}/models/{version:d}/promote"
        return record_of(ModelVersion, self._client.request("POST", path))

    def download(self, version: int, out: str | Path) -> Path:
        """Save a version as a ZIP: ``model.onnx``, ``model.json`` and its model card.

        Raises:
            ServiceError, ResourceError: as for :meth:`Client.download`.
        """
        return self._client.download(f"{self._path}/models/{version:d}/download.zip", out)

    def predict(self, *images: str | Path | bytes) -> list[ServicePrediction]:
        """Classify images with the promoted version.

        Args:
            images: paths, or the bytes of image files.

        Raises:
            DataError: a file cannot be read.
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        named = [_named(image, number) for number, image in enumerate(images, 1)]
        found: list[ServicePrediction] = []
        for start in range(0, len(named), MAX_PREDICTED):
            files = [("file", one) for one in named[start : start + MAX_PREDICTED]]
            answer = self._client.request("POST", f"{self._path}/predict", files=files)
            found += [prediction_of(one) for one in answer["predictions"]]
        return found

    def delete(self) -> None:
        """Delete the project with its images and models.

        Raises:
            ServiceError, ResourceError: as for :meth:`Client.request`.
        """
        self._client.request("DELETE", self._path)


def _named(image: str | Path | bytes, number: int) -> tuple[str, bytes]:
    if isinstance(image, bytes):
        return f"image {number}", image
    path = user_path(image)
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _batches(files: Iterable[File]) -> Iterator[list[tuple[str, bytes]]]:
    """Names and contents of files, as many at a time as one request has."""
    batch, size = list[tuple[str, bytes]](), 0
    for file in files:
        content = file.read()
        if batch and (len(batch) >= BATCH_FILES or size + len(content) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((file.parts[-1], content))
        size += len(content)
    yield batch
