"""``dressform recipes`` and ``dressform models``."""

from dataclasses import asdict

import typer

from dressform.cli.output import print_json
from dressform.cli.table import print_table
from dressform.core.numbers import percent

Json = typer.Option(False, "--json", help="Print one JSON document on stdout.")


def recipes(as_json: bool = Json) -> None:
    """List the recipes and their scores."""
    from dressform.workbench.catalogue import list_recipes

    entries = list_recipes()
    if as_json:
        fields = ("name", "tutorial", "claimed")
        print_json(
            [
                {
                    **{f: getattr(e, f) for f in fields},
                    "reproduced": (e.reproduced() or {}).get("mean"),
                }
                for e in entries
            ]
        )
        return
    rows = []
    for e in entries:
        found = e.reproduced()
        on = {"test": "", "validation": " (val)", "folds": " (folds)"}[e.claimed_on]
        where = "" if e.claimed is None else on
        shown = "-"
        if found is not None:
            spread = "" if found["sd"] is None else f" ± {100 * found['sd']:.2f}"
            shown = f"{percent(found['mean'])}{spread} (n = {found['n']:,})"
        rows.append(
            (
                e.name,
                "own" if e.tutorial is None else str(e.tutorial),
                percent(e.claimed) + where,
                shown,
            )
        )
    print_table(("recipe", "tutorial", "claimed", "reproduced, mean ± s.d."), rows, shorten=())


def models(as_json: bool = Json) -> None:
    """List the networks and their sizes.

    The number of parameters is for 28 x 28 x 1 images and ten classes.
    """
    from dressform.workbench.catalogue import list_models

    entries = list_models()
    if as_json:
        print_json([asdict(e) for e in entries])
        return
    print_table(
        ("model", "parameters"), [(e.name, f"{e.parameters:,}") for e in entries], shorten=()
    )
