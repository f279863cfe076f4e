"""Evaluation: functions of `Predictions` alone. NumPy and SciPy; no model, no torch."""
