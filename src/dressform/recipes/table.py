"""The table of recipes: name, tutorial, claimed test accuracy; and the scores that ours reached."""

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from statistics import stdev
from typing import Any, Literal, cast

from dressform.core.errors import ConfigError, DressformError
from dressform.core.registry import Registry, is_file_reference, load_from_file


@dataclass(frozen=True, kw_only=True)
class RecipeEntry:
    """One line of ``dressform recipes``.

    Attributes:
        name: what ``dressform train`` takes.
        target: ``module:function``.
        tutorial: ``0`` to ``4``, or None for our own.
        claimed: accuracy that the tutorial states, 0..1, or None where it states none.
        claimed_on: of which examples: ``test``, ``validation``, or ``folds`` of a cross-validation.
        image_size: side in pixels for folders of mixed sizes, where ``--image-size`` says nothing;
            None is the folder's default.
    """

    name: str
    target: str
    tutorial: int | None
    claimed: float | None
    claimed_on: Literal["test", "validation", "folds"] = "test"
    image_size: int | None = None

    def reproduced(self) -> dict[str, Any] | None:
        """What was measured: mean, sd, n, accuracies and more; None where nothing was.

        The tutorials' recipes by benchmarks/tutorials.py, our own by benchmarks/speed.py.
        """
        found: dict[str, Any] | None = _reproduced().get(self.name)
        if found is None or found["n"] < 2:
            return found
        return found | {"sd": stdev(found["test_accuracies"])}  # the file's is rounded


_IMAGE_SIZES = {"transfer-efficientnet-lite0": 224, "transfer-vgg19": 150}


def _entries() -> tuple[RecipeEntry, ...]:
    rows: tuple[tuple[str, str, int | None, str | None], ...] = (
        ("fast", "own:fast", None, None),
        ("fast-93", "own:fast_93", None, None),
        ("fast-95", "own:fast_95", None, None),
        ("medium", "own:medium", None, None),
        ("small", "own:small", None, None),
        ("tiny", "own:tiny", None, None),
        ("fast-gpu", "own:fast_gpu", None, None),
        ("large", "own:large", None, None),
        ("minivggnet", "tutorial0:minivggnet", 0, "test 0.94"),
        ("baseline-cnn", "tutorial1:baseline_cnn", 1, "test 0.9099"),
        ("baseline-cnn-same", "tutorial1:baseline_cnn_same", 1, "folds 0.912"),
        ("baseline-cnn-same-64", "tutorial1:baseline_cnn_same_64", 1, "folds 0.912"),
        ("simple-dense", "tutorial2:simple_dense", 2, "test 0.8386"),
        ("cnn1", "tutorial2:cnn1", 2, "test 0.916"),
        ("cnn2", "tutorial2:cnn2", 2, "test 0.9293"),
        ("lenet5-rbf", "tutorial2:lenet5_rbf", 2, "test 0.8889"),
        ("lenet5-relu", "tutorial2:lenet5_relu", 2, "test 0.9055"),
        ("first-cnn", "tutorial3:first_cnn", 3, "test 0.8852"),
        ("complex1", "tutorial3:complex1", 3, "validation 0.89"),
        ("complex2", "tutorial3:complex2", 3, "validation 0.92"),
        ("conv1", "tutorial4:conv1", 4, None),
        ("conv3", "tutorial4:conv3", 4, None),
        ("conv4", "tutorial4:conv4", 4, None),
        ("conv1-augmented", "tutorial4:conv1_augmented", 4, None),
        ("conv3-augmented", "tutorial4:conv3_augmented", 4, None),
        ("conv4-augmented", "tutorial4:conv4_augmented", 4, None),
        ("transfer-vgg19", "transfer:transfer_vgg19", 4, None),
        ("transfer-efficientnet-lite0", "transfer:transfer_efficientnet_lite0", None, None),
    )
    entries = []
    for name, target, tutorial, claim in rows:
        where, _, accuracy = (claim or "test ").partition(" ")
        entries.append(
            RecipeEntry(
                name=name,
                target=f"dressform.recipes.{target}",
                tutorial=tutorial,
                claimed=float(accuracy) if accuracy else None,
                claimed_on=cast(Literal["test", "validation", "folds"], where),
                image_size=_IMAGE_SIZES.get(name),
            )
        )
    return tuple(entries)


_ENTRIES = {e.name: e for e in _entries()}
BESIDE = "+"
"""Between the names of two recipes of which the second is trained beside the first."""
RECIPES = Registry("recipe", {e.name: e.target for e in _ENTRIES.values()})


def check_recipe(reference: str) -> None:
    """Raise an error for a name that :func:`find_recipe` does not know, without importing torch.

    Raises:
        UnknownNameError: no such recipe.
    """
    for name in reference.split(BESIDE):
        RECIPES.check(name)


def is_named(reference: str) -> bool:
    """Whether :func:`find_recipe` finds a recipe without running a user's file."""
    return all(name in RECIPES.names for name in reference.split(BESIDE))


def entry(name: str) -> RecipeEntry:
    """The line of a recipe that ``RECIPES`` has."""
    return _ENTRIES[name]


def image_size_for(*recipes: object) -> int | None:
    """The side that folders of mixed sizes are fitted to for recipes that agree on one, where the
    user gives none.

    None is the folder's default.
    """
    found = {
        _ENTRIES[r].image_size if isinstance(r, str) and r in _ENTRIES else None for r in recipes
    }
    return found.pop() if len(found) == 1 else None


@functools.cache
def _reproduced() -> dict[str, Any]:
    recipes: dict[str, Any] = {}
    for name in ("reproduced.json", "own.json"):
        recipes |= json.loads(
            resources.files("dressform.recipes").joinpath(name).read_text(encoding="utf-8")
        )["recipes"]
    return recipes


def _require_no_arguments(function: Callable[..., Any], reference: str) -> None:
    """Refuse a function that cannot be called without arguments.

    Raises:
        ConfigError: it needs some.
    """
    try:
        inspect.signature(function).bind()
    except ValueError:  # written in C
        return
    except TypeError as error:
        raise ConfigError(
            f"{reference} cannot be called without arguments ({error}); it must return a Recipe"
        ) from error


def find_recipe(reference: str) -> Any:
    """The recipe that a name or ``file.py:attribute`` stands for. Imports torch.

    ``fast+transfer-efficientnet-lite0`` is the first with the second beside it.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: the user's file fails or does not give a recipe.
    """
    from dressform.training.recipe import Recipe

    first, beside, second = reference.partition(BESIDE)
    if beside and not is_file_reference(reference):
        one, other = find_recipe(first), find_recipe(second)
        return replace(one, name=f"{one.name}-and-{other.name}", beside=other)
    made = load_from_file(reference) if is_file_reference(reference) else RECIPES.resolve(reference)
    if callable(made) and not isinstance(made, Recipe):
        _require_no_arguments(made, reference)
        try:
            made = made()
        except DressformError:
            raise
        except (Exception, SystemExit) as error:
            raise ConfigError(f"{reference} failed with {type(error).__name__}: {error}") from error
    if not isinstance(made, Recipe):
        raise ConfigError(
            f"{reference} returned {type(made).__name__}; it must be a dressform.Recipe or a "
            f"function "
            f"that returns one"
        )
    return made


def named_recipe(name: str) -> Any:
    """The recipe of that name, as a setting has it: unlike :func:`find_recipe`, never from a
    file, so that a stranger's settings run no code.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: a file is named.
    """
    if ".py" in name:
        raise ConfigError(
            f"a setting names a recipe of dressform's, not a file ({name}); write the recipe that "
            f"has it in the file"
        )
    check_recipe(name)
    return find_recipe(name)
