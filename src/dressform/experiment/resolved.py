"""`ResolvedRecipe`: what the user named, as a recipe with a digest that every training of it
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
from dressform.models.ensemble import Members
from dressform.models.network import build_network
from dressform.models.transfer import transfer_of
from dressform.recipes import find_recipe, named_recipe
from dressform.training.recipe import Recipe


@dataclass(frozen=True)
class ResolvedRecipe:
    """A recipe with its changed settings.

    Attributes:
        recipe: after the changes.
        reference: a name, ``file.py:function``, or the name of a recipe that was given as an
            object.
        settings: the changes, ``path=value``.
        digest: of the recipe, and of the user's file where it came from one.
        named: whether another process can find it by its reference; false for an object.
    """

    recipe: Recipe
    reference: str
    settings: tuple[str, ...]
    digest: str
    named: bool


def resolve_recipe(recipe: Recipe | str, settings: Iterable[str] = ()) -> ResolvedRecipe:
    """Find a recipe and apply settings to it.

    Args:
        recipe: a recipe, a name, or ``file.py:function``.
        settings: ``path=value`` assignments.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: the user's file gives none, or a setting cannot be applied.
    """
    assignments, named = tuple(map(config.normalised, settings)), isinstance(recipe, str)
    reference = recipe if isinstance(recipe, str) else recipe.name
    original = find_recipe(recipe) if isinstance(recipe, str) else recipe
    changed = config.override(original, assignments, named={Recipe: named_recipe})
    user_file = (
        [sha256_file(user_path(reference.rpartition(":")[0]))]
        if is_file_reference(reference)
        else []
    )
    digest = config.digest(changed, *user_file)
    return ResolvedRecipe(changed, reference, assignments, digest, named)


def check_trainable(recipe: Recipe, data: DatasetSplits) -> tuple[nn.Module, list[nn.Module]]:
    """The network that would be trained, and those that would teach; says before anything is
    written what could not be trained.

    Raises:
        DataError: one class only.
        ConfigError: the network, or that of its teacher, cannot be built for these images, or has
            no frozen backbone for the recipe's cached features.
    """
    if len(data.class_names) < 2:
        raise DataError(
            f"{data.name} has one class only ({data.class_names[0]}); a classifier needs two or "
            f"more"
        )
    parts = recipe.parts
    if len(parts) == 1:
        network = build_network(recipe.model, data.shape, len(data.class_names))
        if recipe.cached_features:
            transfer_of(network)
        return network, []
    built = [check_trainable(part, data) for part in parts]
    networks = [network for network, _ in built]
    teachers = [one for _, more in built for one in more]
    if recipe.beside is not None:
        return Members(networks), teachers
    return networks[-1], [*networks[:-1], *teachers]
