"""What there is: recipes, networks, and the machine that training runs on."""

from dataclasses import dataclass

from dressform.core.display import Listing
from dressform.core.numbers import percent
from dressform.recipes import RECIPES, RecipeEntry, entry
from dressform.runs.manifest import hardware as machine


def list_recipes() -> Listing[RecipeEntry]:
    """Every recipe by name, with its tutorial's claim and what was measured."""
    return Listing((entry(name) for name in RECIPES.names), _columns)


def _columns(recipe: RecipeEntry) -> dict[str, str]:
    measured = recipe.reproduced()
    return {
        "recipe": recipe.name,
        "tutorial": "ours" if recipe.tutorial is None else str(recipe.tutorial),
        "claimed": "-" if recipe.claimed is None else percent(recipe.claimed),
        "measured": "-" if measured is None else percent(measured["mean"]),
        "n": "-" if measured is None else str(measured["n"]),
    }


@dataclass(frozen=True)
class ModelEntry:
    """A network's name, and its number of parameters for 28 x 28 x 1 images of ten classes."""

    name: str
    parameters: int


def list_models() -> Listing[ModelEntry]:
    """Every network by name, with its size."""
    from dressform.models import MODELS
    from dressform.models.network import build_model, count_parameters

    return Listing(
        (ModelEntry(name, count_parameters(build_model(name))) for name in MODELS.names),
        lambda one: {"network": one.name, "parameters": f"{one.parameters:,}"},
    )


def hardware(*, remeasure: bool = False) -> dict[str, object]:
    """What training runs on, and whether ``precision=auto`` is bfloat16 here.

    The precision is measured once for each processor and kept in a file, so that the same command
    gives the same weights, however busy the machine is.

    Args:
        remeasure: decide again.

    Returns:
        processor, cores, memory and system, ``gpu`` (a name or None), ``precision`` (the decision
        with its figures) and ``file`` (where it is kept).
    """
    from dataclasses import asdict

    import torch

    from dressform.training import precision

    decision = precision.remeasure() if remeasure else precision.decision()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    file = str(precision.place())
    return {**machine(), "gpu": gpu, "precision": asdict(decision), "file": file}
