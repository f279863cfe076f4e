"""Errors, configs, names, randomness and files: what every other part stands on. No torch."""
