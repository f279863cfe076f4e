"""dressform: a workbench for small-image classifiers. Five lines:

    import dressform as df

    data = df.load_data("fashion-mnist")
    run = df.train("fast", data)
    print(df.evaluate(run).report())
    print(df.Predictor(run).predict("photo.jpg"))

Data            load_data, check_data, diagnose, apply_review, list_datasets, Dataset, DatasetSplits
Recipes         list_recipes, find_recipe, Recipe and its parts: Optim, Schedule, Augment, EMA,
                EarlyStopping, ProgressiveResizing, HardExamples, Distillation; list_models,
                build_model, count_parameters
Training        train, train_auto, crossval, tune, Callback; hardware, tune_process
Runs            open_run, best_run, list_runs, annotate_run, remove_run, runs_page,
                open_crossval, Run, CrossvalRun, Tuning
Evaluation      evaluate, compare, calibrate, draw_calibration, robustness, Predictions,
                PredictionSet
New images      Predictor, QuickPredictor
Pages, exports  report, explore, export, draw_figures
Service         Client (of what dressform serve offers)
Errors          DressformError: every message is one line that says what to do

Whatever takes a run takes a Run or the path of its folder. help(dressform.train) tells what a call
takes. Importing dressform imports neither torch nor NumPy; each name is fetched when it is first
used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dressform.client.client import Client as Client
    from dressform.core.errors import DressformError as DressformError
    from dressform.data.audit import check_data as check_data
    from dressform.data.dataset import Dataset as Dataset
    from dressform.data.dataset import DatasetSplits as DatasetSplits
    from dressform.data.source import load_data as load_data
    from dressform.evaluation.compare import PredictionSet as PredictionSet
    from dressform.kernels.process import tune_process as tune_process
    from dressform.models.network import build_model as build_model
    from dressform.models.network import count_parameters as count_parameters
    from dressform.predict.predictor import Predictor as Predictor
    from dressform.predict.quick import QuickPredictor as QuickPredictor
    from dressform.predictions import Predictions as Predictions
    from dressform.recipes.table import find_recipe as find_recipe
    from dressform.runs.crossval import CrossvalRun as CrossvalRun
    from dressform.runs.crossval import open_crossval as open_crossval
    from dressform.runs.run import Run as Run
    from dressform.runs.run import best_run as best_run
    from dressform.runs.run import open_run as open_run
    from dressform.runs.tuning import Tuning as Tuning
    from dressform.training.callback import Callback as Callback
    from dressform.training.recipe import EMA as EMA
    from dressform.training.recipe import Augment as Augment
    from dressform.training.recipe import Distillation as Distillation
    from dressform.training.recipe import EarlyStopping as EarlyStopping
    from dressform.training.recipe import HardExamples as HardExamples
    from dressform.training.recipe import Optim as Optim
    from dressform.training.recipe import ProgressiveResizing as ProgressiveResizing
    from dressform.training.recipe import Recipe as Recipe
    from dressform.training.recipe import Schedule as Schedule
    from dressform.workbench.catalogue import hardware as hardware
    from dressform.workbench.catalogue import list_models as list_models
    from dressform.workbench.catalogue import list_recipes as list_recipes
    from dressform.workbench.datasets import apply_review as apply_review
    from dressform.workbench.datasets import diagnose as diagnose
    from dressform.workbench.datasets import list_datasets as list_datasets
    from dressform.workbench.evaluation import calibrate as calibrate
    from dressform.workbench.evaluation import compare as compare
    from dressform.workbench.evaluation import draw_calibration as draw_calibration
    from dressform.workbench.evaluation import evaluate as evaluate
    from dressform.workbench.pages import draw_figures as draw_figures
    from dressform.workbench.pages import explore as explore
    from dressform.workbench.pages import export as export
    from dressform.workbench.pages import report as report
    from dressform.workbench.robustness import robustness as robustness
    from dressform.workbench.runs import annotate_run as annotate_run
    from dressform.workbench.runs import list_runs as list_runs
    from dressform.workbench.runs import remove_run as remove_run
    from dressform.workbench.runs import runs_page as runs_page
    from dressform.workbench.training import crossval as crossval
    from dressform.workbench.training import train as train
    from dressform.workbench.training import train_auto as train_auto
    from dressform.workbench.training import tune as tune

__version__ = "0.1.0"

_MODULES = {
    # Data
    "load_data": "data.source",
    "Dataset": "data.dataset",
    "DatasetSplits": "data.dataset",
    "list_datasets": "workbench.datasets",
    "check_data": "data.audit",
    "diagnose": "workbench.datasets",
    "apply_review": "workbench.datasets",
    # Recipes and their parts, networks
    "Recipe": "training.recipe",
    "Optim": "training.recipe",
    "Schedule": "training.recipe",
    "Augment": "training.recipe",
    "EarlyStopping": "training.recipe",
    "EMA": "training.recipe",
    "ProgressiveResizing": "training.recipe",
    "HardExamples": "training.recipe",
    "Distillation": "training.recipe",
    "list_recipes": "workbench.catalogue",
    "find_recipe": "recipes.table",
    "list_models": "workbench.catalogue",
    "build_model": "models.network",
    "count_parameters": "models.network",
    # Training
    "train": "workbench.training",
    "train_auto": "workbench.training",
    "crossval": "workbench.training",
    "tune": "workbench.training",
    "Callback": "training.callback",
    "Run": "runs.run",
    "open_run": "runs.run",
    "best_run": "runs.run",
    "CrossvalRun": "runs.crossval",
    "open_crossval": "runs.crossval",
    "Tuning": "runs.tuning",
    "list_runs": "workbench.runs",
    "annotate_run": "workbench.runs",
    "remove_run": "workbench.runs",
    "runs_page": "workbench.runs",
    "hardware": "workbench.catalogue",
    "tune_process": "kernels.process",
    # Predictions and what they are worth
    "Predictions": "predictions",
    "PredictionSet": "evaluation.compare",
    "evaluate": "workbench.evaluation",
    "compare": "workbench.evaluation",
    "calibrate": "workbench.evaluation",
    "draw_calibration": "workbench.evaluation",
    "robustness": "workbench.robustness",
    # New images
    "Predictor": "predict.predictor",
    "QuickPredictor": "predict.quick",
    # Pages, figures, exports
    "report": "workbench.pages",
    "explore": "workbench.pages",
    "export": "workbench.pages",
    "draw_figures": "workbench.pages",
    # Service
    "Client": "client.client",
    # Errors
    "DressformError": "core.errors",
}

__all__ = [
    "EMA",
    "Augment",
    "Callback",
    "Client",
    "CrossvalRun",
    "Dataset",
    "DatasetSplits",
    "Distillation",
    "DressformError",
    "EarlyStopping",
    "HardExamples",
    "Optim",
    "PredictionSet",
    "Predictions",
    "Predictor",
    "ProgressiveResizing",
    "QuickPredictor",
    "Recipe",
    "Run",
    "Schedule",
    "Tuning",
    "annotate_run",
    "apply_review",
    "best_run",
    "build_model",
    "calibrate",
    "check_data",
    "compare",
    "count_parameters",
    "crossval",
    "diagnose",
    "draw_calibration",
    "draw_figures",
    "evaluate",
    "explore",
    "export",
    "find_recipe",
    "hardware",
    "list_datasets",
    "list_models",
    "list_recipes",
    "list_runs",
    "load_data",
    "open_crossval",
    "open_run",
    "remove_run",
    "report",
    "robustness",
    "runs_page",
    "train",
    "train_auto",
    "tune",
    "tune_process",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        import difflib

        from dressform.core.errors import alternatives

        near = difflib.get_close_matches(name.lower(), {known.lower(): known for known in __all__})
        same = [known for known in __all__ if known.lower() == name.lower()]
        names = same or [known for word in near for known in __all__ if known.lower() == word]
        hint = f"did you mean {alternatives(names)}?" if names else "dir(dressform) lists all names"
        raise AttributeError(f"dressform has no {name!r}; {hint}")
    value = getattr(import_module(f"dressform.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
