"""The history of a training: results.csv."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dressform.core.errors import RunError

EpochRow = dict[str, float | None]
"""A row of results.csv: numbers by column name, None for a column without a value."""

REQUIRED_COLUMNS = {"epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"}


def read_history(path: Path) -> list[EpochRow]:
    """Read a results.csv, one row per epoch.

    Raises:
        RunError: the file is missing, empty or damaged.
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
    if not rows or not set(rows[0]) >= REQUIRED_COLUMNS:
        raise RunError(
            f"{path} has no epochs or lacks columns ({', '.join(sorted(REQUIRED_COLUMNS))}): it "
            f"was changed; restore it from a copy"
        )
    for number, row in enumerate(rows, 1):
        numbers = [value for value in row.values() if value is not None]
        if (
            row["epoch"] != number
            or None in (row["train_loss"], row["train_accuracy"])
            or not all(map(math.isfinite, numbers))
        ):
            raise RunError(
                f"{path}: row {number} is not epoch {number} or lacks a number: it was changed; "
                f"restore it from a copy"
            )
    return rows


def training_conditions(resolved: Mapping[str, Any]) -> list[str]:
    """Why training values are not comparable to validation values, such as ``with smoothed
    labels``; empty where only the time of measuring differs.

    Args:
        resolved: the resolved recipe of a manifest.
    """
    parts = list[str]()
    if resolved.get("label_smoothing"):
        parts.append("with smoothed labels")
    hard_examples = resolved.get("hard_examples")
    fraction = hard_examples.get("fraction", 1) if isinstance(hard_examples, dict) else 1
    if isinstance(fraction, (int, float)) and fraction < 1:
        parts.append("on a subset of mainly hard examples")
    if resolved.get("distillation"):
        parts.append("with a teacher, whose epochs come first")
    return parts
