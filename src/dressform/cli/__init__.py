"""The command line: parse, one call to the library, print. Every command has ``--json``."""
