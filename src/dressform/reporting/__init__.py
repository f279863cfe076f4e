"""Pictures of results. The only place that uses matplotlib."""
