"""The figures of a run: each file computes what it shows in one function and draws it in
another.
"""

from dressform.report.figures.all import draw_figures, figure_names

__all__ = ["draw_figures", "figure_names"]
