"""Cross-validation: a plan, its folds and their summary."""
