"""`ServiceProject`: a project of a service, by Python."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dressform.client.records import (
    ModelVersion,
    ServiceError,
    ServicePrediction,
    Upload,
    prediction_of,
    record_of,
    upload_of,
)
from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.data.image import SUFFIXES
from dressform.data.leftovers import is_leftover

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
            images: its path. In a folder or a ZIP, folders are classes.
            label: class of all of them.

        Raises:
            DataError: there is no such file, or a folder without images.
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
        result, batch, size, number = Upload(), list[tuple[str, bytes]](), 0, 0
        left_out: list[str] = []
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if path.suffix.lower() not in SUFFIXES or any(is_leftover(part) for part in parts):
                left_out += [] if path.is_dir() else ["/".join(parts)]
                continue
            number += 1
            content = path.read_bytes()
            if batch and (len(batch) >= BATCH_FILES or size + len(content) > BATCH_BYTES):
                result += self._upload_batch(batch, label)
                batch, size = [], 0
            own = f"{parts[0]}/{parts[-1]}" if len(parts) > 1 else parts[-1]
            batch.append((own, content))
            size += len(content)
        if not number:
            raise DataError(f"{folder} has no images; give a folder with class folders of images")
        return result + self._upload_batch(batch, label) + Upload(left_out=tuple(left_out))

    def _upload_batch(self, batch: list[tuple[str, bytes]], label: str | None) -> Upload:
        params = {"labels": "folders"} if label is None else {"label": label}
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
