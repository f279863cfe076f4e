"""A model in a service without a training: what measurements of predictions need."""

import json
import shutil
from pathlib import Path

from dressform.predict.model_card import ModelCard
from dressform.service.database.connection import Database
from dressform.service.database.tables import Model, Project
from dressform.service.store import Store


def place_model(database: Database, store: Store, project_id: str, weights: Path) -> None:
    """Make a folder with model.onnx and model.json, a run's or any, the promoted version 1 of a
    project.
    """
    folder = store.model_folder(project_id, 1)
    manifest = weights.parent / "manifest.json"
    shutil.copytree(weights, folder / "run" / ("weights" if manifest.exists() else ""))
    if manifest.exists():
        shutil.copy(manifest, folder / "run")
    result = {
        "run": "run",
        "recipe": "fast",
        "class_names": list(ModelCard.load(weights / "model.json").class_names),
        "accuracy": 0.0,
        "low": 0.0,
        "high": 1.0,
        "protocol": "none",
        "examples": 0,
        "held_out": 0,
    }
    (folder / "result.json").write_text(json.dumps(result))
    with database.transaction() as session:
        model = Model(project_id=project_id, version=1, state="ready")
        session.add(model)
        session.flush()
        session.get_one(Project, project_id).promoted_id = model.id
