"""Explore data and models: neighbours, projections, label issues, near duplicates, outliers,
saliency.
"""
