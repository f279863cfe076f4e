"""The service's HTTP: one app, its protocols, and who may call what."""
