"""``python -m dressform``."""

from dressform.cli.main import main

main()
