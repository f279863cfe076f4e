"""results.csv, read back."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dressform.core.errors import RunError

COLUMNS = {"epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"}


def read_history(path: Path) -> list[dict[str, Any]]:
    """The rows of a results.csv, one per epoch: numbers by column name, None where a column has no
    value.

    Raises:
        RunError: missing, emptied or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {k: (float(v) if v else None) for k, v in row.items()}
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path} is damaged ({error})") from error
    if not rows or not set(rows[0]) >= COLUMNS:
        raise RunError(
            f"{path} has no epochs or lacks columns ({', '.join(sorted(COLUMNS))}); it was changed"
        )
    for number, row in enumerate(rows, 1):
        numbers = [value for value in row.values() if value is not None]
        if (
            row["epoch"] != number
            or None in (row["train_loss"], row["train_accuracy"])
            or not all(map(math.isfinite, numbers))
        ):
            raise RunError(
                f"{path}: row {number} is not that of epoch {number}, or lacks a number; it was "
                f"changed"
            )
    return rows


def how_measured(resolved: Mapping[str, Any]) -> str:
    """What keeps training values from being compared with validation values: ``while learning,
    smoothed labels``.

    Args:
        resolved: the recipe, from a manifest.
    """
    parts = ["while learning"]
    if resolved.get("label_smoothing"):
        parts.append("smoothed labels")
    hard_examples = resolved.get("hard_examples")
    share = hard_examples.get("share", 1) if isinstance(hard_examples, dict) else 1
    if isinstance(share, (int, float)) and share < 1:
        parts.append("hard examples mostly")
    return ", ".join(parts)
