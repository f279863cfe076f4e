"""dressform: a workbench for small-image classifiers. Five lines:

    import dressform as df

    data = df.load_data("fashion-mnist")
    run = df.train("fast", data)
    print(df.evaluate(run.predictions("test")).report())
    print(df.Predictor(run).predict("picture.png"))

Importing dressform imports neither torch nor NumPy; each name below is fetched when it is first
used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dressform.core.errors import DressformError as DressformError
    from dressform.data.audit import check_data as check_data
    from dressform.data.dataset import Dataset as Dataset
    from dressform.data.dataset import DatasetSplits as DatasetSplits
    from dressform.data.source import load_data as load_data
    from dressform.evaluation.calibrate import calibrate as calibrate
    from dressform.evaluation.compare import compare as compare
    from dressform.evaluation.evaluate import evaluate as evaluate
    from dressform.models.network import build_model as build_model
    from dressform.models.network import count_parameters as count_parameters
    from dressform.predict.predictor import Predictor as Predictor
    from dressform.predict.quick import QuickPredictor as QuickPredictor
    from dressform.predictions import Predictions as Predictions
    from dressform.recipes.table import find_recipe as find_recipe
    from dressform.runs.run import Run as Run
    from dressform.runs.run import open_run as open_run
    from dressform.training.recipe import Augment as Augment
    from dressform.training.recipe import Optim as Optim
    from dressform.training.recipe import Recipe as Recipe
    from dressform.training.recipe import Schedule as Schedule
    from dressform.workbench import crossval as crossval
    from dressform.workbench import train as train
    from dressform.workbench import tune as tune

__version__ = "0.1.0"

_WHERE = {
    "Augment": "training.recipe",
    "Dataset": "data.dataset",
    "DatasetSplits": "data.dataset",
    "DressformError": "core.errors",
    "Optim": "training.recipe",
    "Predictions": "predictions",
    "Predictor": "predict.predictor",
    "QuickPredictor": "predict.quick",
    "Recipe": "training.recipe",
    "Run": "runs.run",
    "Schedule": "training.recipe",
    "build_model": "models.network",
    "calibrate": "evaluation.calibrate",
    "check_data": "data.audit",
    "compare": "evaluation.compare",
    "count_parameters": "models.network",
    "crossval": "workbench",
    "evaluate": "evaluation.evaluate",
    "find_recipe": "recipes.table",
    "load_data": "data.source",
    "open_run": "runs.run",
    "train": "workbench",
    "tune": "workbench",
}

__all__ = [
    "Augment",
    "Dataset",
    "DatasetSplits",
    "DressformError",
    "Optim",
    "Predictions",
    "Predictor",
    "QuickPredictor",
    "Recipe",
    "Run",
    "Schedule",
    "build_model",
    "calibrate",
    "check_data",
    "compare",
    "count_parameters",
    "crossval",
    "evaluate",
    "find_recipe",
    "load_data",
    "open_run",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(
            f"module 'dressform' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    value = getattr(import_module(f"dressform.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
