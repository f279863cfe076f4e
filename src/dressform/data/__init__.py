"""Labelled pictures from files of any usual kind, checked, split and audited. NumPy only."""
