"""Recipes by name. `RECIPES` lists them, with their tutorial's claim, without importing torch."""

from dressform.recipes.table import (
    BESIDE,
    RECIPES,
    RecipeEntry,
    check_recipe,
    entry,
    find_recipe,
    image_size_for,
    is_named,
    named_recipe,
)

__all__ = [
    "BESIDE",
    "RECIPES",
    "RecipeEntry",
    "check_recipe",
    "entry",
    "find_recipe",
    "image_size_for",
    "is_named",
    "named_recipe",
]
