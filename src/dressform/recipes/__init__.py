"""Recipes by name. `RECIPES` lists them, with their tutorial's claim, without importing torch."""

from dressform.recipes.table import RECIPES, RecipeEntry, entry, find_recipe, image_size_for

__all__ = ["RECIPES", "RecipeEntry", "entry", "find_recipe", "image_size_for"]
