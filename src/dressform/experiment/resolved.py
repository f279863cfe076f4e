"""`resolve_recipe`: what the user named becomes a recipe, with a digest that every training of it
shares.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from dressform.core import config
from dressform.core.errors import DataError
from dressform.core.files import sha256_file, user_path
from dressform.core.registry import is_file_reference
from dressform.data.dataset import DatasetSplits
from dressform.models.network import build_network
from dressform.models.transfer import transfer_of
from dressform.recipes import find_recipe
from dressform.training.recipe import Recipe


@dataclass(frozen=True)
class ResolvedRecipe:
    """A recipe with its changed settings.

    Attributes:
        recipe: after the changes.
        reference: a name or ``file.py:function``.
        settings: the changes, ``path=value``.
        digest: of the recipe, and of the user's file where it came from one.
    """

    recipe: Recipe
    reference: str
    settings: tuple[str, ...]
    digest: str


def resolve_recipe(named: Recipe | str, settings: Iterable[str] = ()) -> ResolvedRecipe:
    """Find a recipe and apply settings to it.

    Args:
        named: a recipe, a name, or ``file.py:function``.
        settings: ``path=value`` assignments.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: the user's file gives none, or a setting cannot be applied.
    """
    assignments = tuple(settings)
    recipe = config.override(find_recipe(named) if isinstance(named, str) else named, assignments)
    reference = named if isinstance(named, str) else named.name
    user_file = (
        [sha256_file(user_path(reference.rpartition(":")[0]))]
        if is_file_reference(reference)
        else []
    )
    return ResolvedRecipe(recipe, reference, assignments, config.digest(recipe, *user_file))


def check_trainable(recipe: Recipe, data: DatasetSplits) -> nn.Module:
    """The network that would be trained; tells before anything is written what could not be.

    Raises:
        DataError: one class only.
        ConfigError: the network cannot be built for these pictures, or has no backbone for the
            recipe's views.
    """
    if len(data.class_names) < 2:
        raise DataError(
            f"{data.name} has one class only ({data.class_names[0]}); a classifier needs two or "
            f"more"
        )
    network = build_network(recipe.model, data.shape, len(data.class_names))
    if recipe.cached_features:
        transfer_of(network)
    return network
