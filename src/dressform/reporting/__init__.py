"""Pages and figures of results; the only place that uses matplotlib."""
