"""Judging: functions of `Predictions` alone. NumPy only; no model, no torch."""
