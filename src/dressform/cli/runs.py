"""``dressform runs``: list, show, name, annotate and delete what was trained."""

import shlex
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dressform.cli.complete import complete_data, complete_recipes, complete_runs, complete_tags
from dressform.cli.lists import Json
from dressform.cli.output import print_json, say
from dressform.cli.table import print_table
from dressform.core.numbers import duration, percent
from dressform.core.text import counted, one_line
from dressform.runs.layout import DEFAULT_ROOT

if TYPE_CHECKING:
    from dressform.runs.listing import RunRow

runs_app = typer.Typer(
    help="List what was trained; show, rename, annotate or delete it.", rich_markup_mode=None
)

Out = typer.Option(DEFAULT_ROOT, "--out", help="Folder of all runs, as given to train.")
COLUMNS = ("run", "seed", "status", "val %", "test %", "params", "time", "date", "folder")
What: Any = typer.Argument(
    help="Folder of a run, cross-validation or tuning, or its name.", autocompletion=complete_runs
)


@runs_app.callback(invoke_without_command=True)
def list_all(
    context: typer.Context,
    sort: str = typer.Option(
        "val", "--sort", help="val (best first), date, time, parameters, recipe, seed or status."
    ),
    data: str | None = typer.Option(
        None,
        "--data",
        help="Only this dataset: a name, or a pattern.",
        autocompletion=complete_data,
    ),
    recipe: str | None = typer.Option(
        None,
        "--recipe",
        help="Only this recipe: a name, or a pattern such as 'conv*'.",
        autocompletion=complete_recipes,
    ),
    tags: list[str] = typer.Option(
        [],
        "--tag",
        help="Only runs with this tag; repeatable.",
        autocompletion=complete_tags,
    ),
    status: str | None = typer.Option(
        None, "--status", help="Only finished, running, stopped, failed or damaged ones."
    ),
    page: Path | None = typer.Option(
        None, "--page", help="Write the table as an HTML page with links to the reports."
    ),
    open_page: bool = typer.Option(
        False, "--open", help="Open that page in the browser. Default: runs.html in --out."
    ),
    out: Path = Out,
    as_json: bool = Json,
) -> None:
    """List what was trained: runs, cross-validations and tunings, by dataset.

    * marks the run of each dataset with the best validation accuracy, which predict uses.
    """
    from dressform.core.errors import ConfigError

    if context.invoked_subcommand is not None:
        given = [
            name
            for name in context.params
            if context.get_parameter_source(name).name == "COMMANDLINE"  # type: ignore[union-attr]
        ]
        if given:
            raise ConfigError(
                f"--{given[0].removeprefix('as_').replace('_', '-')} stands before "
                f"{context.invoked_subcommand}, where it means nothing; options follow the "
                f"sub-command"
            )
        return
    from dressform.workbench import runs

    rows = runs.list_runs(out, sort=sort, data=data, recipe=recipe, tags=tags, status=status)
    written = None
    if page is not None or open_page:
        written = runs.runs_page(rows, page, out=out)
    if as_json:
        print_json([row.to_json() for row in rows])
    elif written is not None:
        print(written)
    else:
        _print(rows, out)
    if written is not None and open_page:
        from dressform.cli.browser import open_in_browser

        open_in_browser(written)


def _print(rows: "list[RunRow]", out: Path) -> None:
    if not rows:
        if out.exists():
            print(f"no such runs under {out}; dressform runs without options lists all")
        else:
            print(f"no folder {out} here, so no runs yet; dressform train fast makes the first")
        return
    order = {data: place for place, data in enumerate(dict.fromkeys(row.data for row in rows))}
    grouped = sorted(rows, key=lambda row: order[row.data])
    for place, (data, some) in enumerate(groupby(grouped, key=lambda row: row.data)):
        several = list(some)
        cells = [_cells(row) for row in several]
        shown = [i for i in range(len(COLUMNS)) if any(row[i] != "-" for row in cells)]
        count = counted(len(several), "entry", "entries")
        print(f"{chr(10) if place else ''}{one_line(data)}: {count}")
        print_table(
            [COLUMNS[i] for i in shown],
            [[row[i] for i in shown] for row in cells],
            optional=[shown.index(len(COLUMNS) - 1)],
        )
        best = next((row for row in several if row.best), None)
        if best is not None:
            print(f"* best on validation: {shlex.quote(str(best.path))}")
    if any(row.test_accuracy is not None for row in rows):
        print(
            "\ntest %: measured once after training, never used to choose; each use of the test\n"
            "split is a line of test-ledger.jsonl"
        )


def _cells(row: "RunRow") -> tuple[str, ...]:
    title = row.title
    if row.annotations.tags:
        title = f"{title} [{', '.join(row.annotations.tags)}]"
    return (
        f"{'*' if row.best else ' '} {title}",
        "-" if row.seed is None else str(row.seed),
        row.status,
        _points(row.val_accuracy),
        _points(row.test_accuracy),
        "-" if row.parameters is None else f"{row.parameters:,}",
        "-" if row.seconds is None else duration(row.seconds),
        row.date[:10] or "-",
        str(row.path),
    )


def _points(accuracy: float | None) -> str:
    return percent(accuracy).removesuffix(" %")


@runs_app.command("show")
def show(what: str = What, out: Path = Out, as_json: bool = Json) -> None:
    """Show settings, scores, data, hardware and notes of one."""
    from dressform.core.files import read_json
    from dressform.runs.layout import CrossvalLayout, Layout, TuningLayout
    from dressform.runs.ledger import count_looks
    from dressform.runs.listing import find_row

    row = find_row(what, out)
    looks = count_looks(row.path)
    document = {
        "run": Layout(row.path).manifest,
        "crossval": CrossvalLayout(row.path).plan,
        "tuning": TuningLayout(row.path).document,
    }[row.kind]
    if as_json:
        content = None if row.status == "damaged" else read_json(document)
        print_json({**row.to_json(), "test_uses": looks, document.stem: content})
        return
    facts: dict[str, str | None] = {
        "folder": str(row.path),
        "name": row.annotations.name,
        "tags": ", ".join(row.annotations.tags),
        "note": row.annotations.note,
        "data": row.data,
        "recipe": row.recipe,
        "changed": " ".join(f"--set {shlex.quote(setting)}" for setting in row.settings),
        "seed": None if row.seed is None else str(row.seed),
        "status": row.status,
        "detail": row.detail,
        "best": "yes, of its dataset, on validation" if row.best else None,
        "validation": None if row.val_accuracy is None else percent(row.val_accuracy),
        "test": None
        if row.test_accuracy is None
        else f"{percent(row.test_accuracy)} (the test split was used {counted(looks, 'time')})",
        "parameters": None if row.parameters is None else f"{row.parameters:,}",
        "trained": None if row.seconds is None else duration(row.seconds),
        "date": row.date,
    }
    more = _more(row)
    again = more.pop("again", None)
    facts.update(more)
    print_table(
        ("", ""),
        [(name, fact) for name, fact in facts.items() if fact],
        shorten=(),
        wrap=(1,),
    )
    if again is not None:
        print(f"\ntrain it again:\n  {again}")


def _more(row: "RunRow") -> dict[str, str]:
    """What a run's manifest says besides."""
    from dressform.runs.command import train_command
    from dressform.runs.run import open_run

    if row.kind != "run" or row.status == "damaged":
        return {}
    run = open_run(row.path)
    manifest, layout = run.manifest, run.layout
    examples = ", ".join(f"{n:,} {split}" for split, n in manifest.dataset.examples.items() if n)
    hardware = manifest.hardware
    machine = [hardware.get(name) for name in ("processor", "device", "precision")]
    root = row.path.parents[2] if len(row.path.parents) > 2 else DEFAULT_ROOT
    files = [path for path in (layout.card, layout.page, layout.report) if path.is_file()]
    return {
        "examples": f"{examples}, {len(manifest.dataset.class_names):,} classes",
        "machine": ", ".join(str(fact) for fact in machine if fact),
        "files": ", ".join(path.name for path in files),
        "again": shlex.join(train_command(manifest, root)),
    }


@runs_app.command("rm")
def remove(
    what: list[str] = typer.Argument(
        help="Folders or names of what is deleted.", autocompletion=complete_runs
    ),
    yes: bool = typer.Option(False, "--yes", help="Delete without asking."),
    out: Path = Out,
    as_json: bool = Json,
) -> None:
    """Delete runs with everything in their folders; asks first."""
    from dressform.core.errors import ConfigError
    from dressform.core.files import is_locked
    from dressform.runs.listing import find_row
    from dressform.runs.removal import folder_bytes
    from dressform.workbench.runs import remove_run

    rows = list({row.path.resolve(): row for row in (find_row(one, out) for one in what)}.values())
    for row in rows:
        if is_locked(row.lock):
            from dressform.core.errors import RunError

            raise RunError(
                f"{row.path} is being written to by another process; wait until it is finished"
            )
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise ConfigError("rm asks before it deletes, and nobody can answer here; give --yes")
        for row in rows:
            say(f"{row.path}: {row.title}, {folder_bytes(row.path) / 1e6:,.1f} MB")
        if not typer.confirm(f"Delete {counted(len(rows), 'folder')}?", err=True):
            say("nothing was deleted")
            return
    for row in rows:
        remove_run(row.path, out=out)
    if as_json:
        print_json({"deleted": [str(row.path) for row in rows]})
    else:
        print("\n".join(f"deleted {row.path}" for row in rows))


@runs_app.command("rename")
def rename(
    what: str = What,
    name: str = typer.Argument(help='The name to list it under; "" takes it away.'),
    out: Path = Out,
    as_json: bool = Json,
) -> None:
    """Give a run a name to list it under.

    Its folder stays where it is, so that --resume finds it.
    """
    _annotate(what, out, as_json, name=name)


@runs_app.command("note")
def note(
    what: str = What,
    text: str = typer.Argument(help='The note; "" takes it away.'),
    out: Path = Out,
    as_json: bool = Json,
) -> None:
    """Write a note about a run."""
    _annotate(what, out, as_json, note=text)


@runs_app.command("tag")
def tag(
    what: str = What,
    tags: list[str] | None = typer.Argument(None, help="Tags to add."),
    remove_tags: list[str] = typer.Option(
        [],
        "--remove",
        help="A tag to take away; repeatable.",
        autocompletion=complete_tags,
    ),
    out: Path = Out,
    as_json: bool = Json,
) -> None:
    """Add tags to a run, or take some away."""
    from dressform.core.errors import ConfigError

    if not tags and not remove_tags:
        raise ConfigError("no tag was given; name some to add, or --remove one")
    _annotate(what, out, as_json, add_tags=tags or [], remove_tags=remove_tags)


def _annotate(what: str, out: Path, as_json: bool, **changes: Any) -> None:
    from dressform.workbench.runs import annotate_run

    given = annotate_run(what, out=out, **changes)
    if as_json:
        print_json({"name": given.name, "note": given.note, "tags": list(given.tags)})
        return
    facts = {"name": given.name, "note": given.note, "tags": ", ".join(given.tags)}
    shown = [f"{name:10s} {text}" for name, text in facts.items() if text]
    print("\n".join(shown) or "no name, note or tags")
