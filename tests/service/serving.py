"""A project whose models are ready, without a training of its own."""

import asyncio
import io
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from PIL import Image as PillowImage

from dressform.predict.bundle import write_onnx
from dressform.runs.run import Run
from dressform.service.database.connection import Database
from dressform.service.database.tables import Model, Project
from dressform.service.keys import Caller, create_key
from dressform.service.store import Store

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shop:
    """A project with three versions of a model, of which the first is promoted.

    Attributes:
        caller: whose it is.
        key: an API key that may predict.
        project_id: of the project.
        model_ids: of the versions, in order. The second's classes have other names than the
            first's; the third is still in training.
    """

    caller: Caller
    key: str
    project_id: str
    model_ids: tuple[str, ...]

    @property
    def headers(self) -> dict[str, str]:
        """The key as a client sends it."""
        return {"Authorization": f"Bearer {self.key}"}


def open_shop(database: Database, store: Store, caller: Caller, run: Run) -> Shop:
    with database.transaction() as session:
        project = Project(tenant_id=caller.tenant_id, name="Shop")
        session.add(project)
        session.flush()
        _, secret = create_key(session, caller.tenant_id, "till", "predict")
        models = [
            Model(project_id=project.id, version=version, state=state)
            for version, state in ((1, "ready"), (2, "ready"), (3, "training"))
        ]
        session.add_all(models)
        session.flush()
        project.promoted_id = models[0].id
        shop = Shop(caller, secret, project.id, tuple(model.id for model in models))
    for version in (1, 2):
        folder = store.model_folder(shop.project_id, version)
        write_onnx(run, folder / "run")
        names = json.loads((folder / "run" / "model.json").read_text())["class_names"]
        result = {
            "run": "run",
            "recipe": "fast",
            "class_names": names,
            "accuracy": 0.5,
            "low": 0.4,
            "high": 0.6,
            "protocol": "validation",
            "examples": 600,
            "held_out": 60,
        }
        (folder / "result.json").write_text(json.dumps(result))
    card = store.model_folder(shop.project_id, 2) / "run" / "model.json"
    document = json.loads(card.read_text())
    document["class_names"] = [f"{name} 2" for name in document["class_names"]]
    card.write_text(json.dumps(document))
    return shop


def promote(database: Database, shop: Shop, version: int) -> None:
    with database.transaction() as session:
        project = session.get(Project, shop.project_id)
        assert project is not None
        project.promoted_id = shop.model_ids[version - 1]


def png(pixels: "np.ndarray[Any, Any]") -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels.squeeze()).save(out, "PNG")
    return out.getvalue()


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in an event loop of its own, for a minute at most."""
    return asyncio.run(asyncio.wait_for(work, 60))
