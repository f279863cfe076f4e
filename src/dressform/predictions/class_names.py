"""Join the classes of data and of a model by name."""

import logging
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError

logger = logging.getLogger(__name__)


def labels_by_name(
    labels: NDArray[np.int64],
    data_classes: tuple[str, ...],
    model_classes: tuple[str, ...],
    *,
    data: str,
    model: str,
) -> NDArray[np.int64]:
    """Labels as numbers of a model's classes, joined by name.

    Two spellings of a name in Unicode are one; case counts. Classes without examples do not. Data
    whose classes are called 0, 1, … have no names: these are taken as positions of the model's
    classes, and it is said.

    Args:
        labels: int64 [N], of the data.
        data_classes: names in the order of these labels.
        model_classes: K names in the order of the model's outputs.
        data, model: names for messages.

    Returns:
        int64 [N], 0..K-1.

    Raises:
        DataError: the data have a class that the model lacks.
    """
    number_of = {normalize("NFC", name): number for number, name in enumerate(model_classes)}
    present = np.unique(labels).tolist()
    names = {label: normalize("NFC", data_classes[label]) for label in present}
    numbered = all(name.isdecimal() for name in names.values()) and not (
        set(names.values()) & set(number_of)
    )
    if numbered and max(map(int, names.values())) < len(model_classes):
        number_of = {str(number): number for number in range(len(model_classes))}
        logger.warning(
            f"the classes of {data} are numbers; they were taken as {_listed(model_classes)}, in "
            f"the model's order"
        )
    unknown = sorted(name for name in names.values() if name not in number_of)
    if unknown:
        verb = "is not a class" if len(unknown) == 1 else "are not classes"
        raise DataError(
            f"{', '.join(unknown[:5])}{', …' if len(unknown) > 5 else ''} of {data} {verb} of "
            f"{model}; classes of the data: {_listed([names[label] for label in present])}; of the "
            f"model: {_listed(model_classes)}; rename or leave out what the model does not know"
        )
    mapping = np.zeros(len(data_classes), np.int64)
    for label, name in names.items():
        mapping[label] = number_of[name]
    occurring = {mapping[label] for label in present}
    absent = [name for number, name in enumerate(model_classes) if number not in occurring]
    if absent:
        logger.warning(
            f"{data} has no images of {_listed(absent)}, which {model} knows; macro F1 and macro "
            f"recall count such a class as 0, and the other scores are about the rest"
        )
    return mapping[labels]


def _listed(names: "tuple[str, ...] | list[str]") -> str:
    more = f", … ({len(names)} in all)" if len(names) > 30 else ""
    return ", ".join(names[:30]) + more
