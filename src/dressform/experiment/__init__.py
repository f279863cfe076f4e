"""Trainings that are kept: run directories made, resumed and finished."""
