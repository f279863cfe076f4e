"""A model's predictions of labelled examples, in memory and in files."""

from dressform.predictions.files import load_predictions, save_predictions
from dressform.predictions.predictions import Predictions
from dressform.predictions.probabilities import softmax

__all__ = ["Predictions", "load_predictions", "save_predictions", "softmax"]
