"""`learned_temperature`: the temperature that a model keeps, from its validation examples."""

from dressform.evaluation.calibration import cross_fit_temperature, fit_temperature, random_parts
from dressform.predictions import Predictions

MIN_EXAMPLES = 20
"""Fewer say too little; the temperature stays 1."""
PRIOR = 4.0
"""Of 3,000 examples no influence; 30 that are all right do not become certain. A weight of 4 is a
standard deviation of log T of 0.5: two thirds of all networks between 0.6 and 1.65.
"""


def learned_temperature(validation: Predictions | None) -> float:
    """The temperature that a model keeps, 1 without validation examples, or with too few.

    Args:
        validation: predictions of examples that the model was not trained on.
    """
    if validation is None or len(validation) < MIN_EXAMPLES:
        return 1.0
    return fit_temperature(validation, prior=PRIOR)


def cross_fitted(validation: Predictions) -> Predictions:
    """The validation examples with the temperatures of the others: no example is judged by what was
    fitted on it.
    """
    if len(validation) < MIN_EXAMPLES:
        return validation
    return cross_fit_temperature(validation, random_parts(validation), prior=PRIOR)[0]
