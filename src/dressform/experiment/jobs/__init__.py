"""Folds in worker processes that share the cores."""
