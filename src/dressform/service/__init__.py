"""The service: train and predict by a page and by HTTP, on one's own machines."""
