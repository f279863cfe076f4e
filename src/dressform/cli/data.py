"""``dressform data list`` and ``dressform data check``."""

from dataclasses import asdict

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, print_table, say

data_app = typer.Typer(help="List and check datasets.", no_args_is_help=True, rich_markup_mode=None)


@data_app.command("list")
def list_datasets(as_json: bool = Json) -> None:
    """List the datasets that travel with dressform."""
    from dressform.data.catalog import CATALOG

    if as_json:
        print_json([{"name": s.name, "description": s.description, "licence": s.licence} for s in CATALOG.values()])
        return
    print_table(("dataset", "description", "licence"), [(s.name, s.description, s.licence) for s in CATALOG.values()])


@data_app.command("check")
def check(
    source: str = typer.Argument(help="A dataset's name, or a path: IDX, CSV, class folders or NPZ."),
    image_size: int | None = typer.Option(None, "--image-size", help="Side in pixels for folders of mixed sizes."),
    as_json: bool = Json,
) -> None:
    """Count classes, find duplicates and overlaps."""
    from dressform.data.audit import check_data
    from dressform.data.source import load_data

    splits = load_data(source, image_size=image_size)
    for note in splits.notes:
        say(f"note: {note}")
    audit = check_data(splits)
    if as_json:
        print_json(asdict(audit))
        return
    names = list(audit.counts)
    print_table(("class", *names), [(c, *(str(audit.counts[split][c]) for split in names)) for c in audit.classes])
    print(f"\nexact duplicates inside a split: {len(audit.duplicates)} groups; equal images in two splits: {len(audit.overlaps)}")
    for problem in audit.problems:
        print(f"problem: {problem}")
    if not audit.problems:
        print("no problems found")
