"""The figures of a run: each file computes in one function and draws in another."""

from dressform.reporting.figures.all import draw_figures, figure_names

__all__ = ["draw_figures", "figure_names"]
