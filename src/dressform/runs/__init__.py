"""Run directories: where they are, what is in them, and who looked at the test split. No torch."""
