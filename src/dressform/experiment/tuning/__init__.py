"""Search for settings: a space, a study, its trials."""
