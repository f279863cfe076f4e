"""Training: a `Recipe` and a dataset become weights and a history. Uses torch; knows nothing of run
directories.
"""
