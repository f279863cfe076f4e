"""`train auto`: what might learn the data, compared and trained in the time given."""
