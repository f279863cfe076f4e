"""The service by Python, over HTTP."""
