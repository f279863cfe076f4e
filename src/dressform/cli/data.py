"""``dressform data``: list, check, doctor, apply."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dressform.cli.complete import complete_data, complete_runs
from dressform.cli.lists import Json
from dressform.cli.output import messages, print_json
from dressform.cli.reading import DATA_HELP, READING, reading_options
from dressform.cli.table import print_table
from dressform.core.text import counted, one_line
from dressform.data.read_options import ReadArguments

if TYPE_CHECKING:
    from dressform.core.errors import BadFilesError

data_app = typer.Typer(help="List, check and clean datasets.", rich_markup_mode=None)


@data_app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """List, check and clean datasets."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@data_app.command("list")
def list_datasets(as_json: bool = Json) -> None:
    """List the bundled datasets."""
    from dressform.workbench.datasets import list_datasets as bundled

    if as_json:
        rows = [
            {"name": d.name, "description": d.description, "licence": d.licence} for d in bundled()
        ]
        print_json(rows)
        return
    print_table(
        ("dataset", "description", "licence"),
        [(d.name, d.description, d.licence) for d in bundled()],
        shorten=(),
        wrap=(1, 2),
    )


@data_app.command("check")
@reading_options
def check(
    source: str = typer.Argument(help=DATA_HELP, autocompletion=complete_data),
    explain: bool = typer.Option(
        False, "--explain", help="Say why the data were read as they were."
    ),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Count images; find bad files, duplicates and overlaps of splits."""
    from dressform.core.errors import BadFilesError, DataError
    from dressform.data.audit import check_data
    from dressform.data.source import load_data, log_notes

    try:
        splits = load_data(source, **reading)
    except BadFilesError as error:
        count = f"{len(error.bad):,} of {counted(error.images, 'image')} cannot be used"
        advice = "skip_bad=True leaves them out"
        _print_bad(error, f"{count}; {advice}", as_json)
        if as_json:  # the document says it
            raise typer.Exit(1) from None
        raise DataError(f"{count} (listed above); {advice}") from None
    log_notes(splits)
    audit = check_data(splits)
    if as_json:
        more = {
            "problems": [messages.translate(line) for line in audit.problems],
            "advice": [messages.translate(line) for line in audit.advice],
            "notes": [messages.translate(line) for line in splits.notes],
            "explanation": splits.explanation,
        }
        bad = [{"path": path, "reason": reason} for path, reason in splits.left_out]
        print_json({**asdict(audit), **more, "bad": bad})
        return
    if explain:
        for line in splits.explanation:
            print(f"why: {one_line(messages.translate(line))}")
        print()
    names = list(audit.counts)
    print_table(
        ("class", *names),
        [(c, *(f"{audit.counts[split][c]:,}" for split in names)) for c in audit.classes],
    )
    print(
        f"\nexact duplicates within a split: {counted(len(audit.duplicates), 'group')}; equal "
        f"images in two "
        f"splits: {len(audit.overlaps):,}"
    )
    for path, reason in splits.left_out:
        print(one_line(f"left out: {path} {reason}"))
    if audit.groups:
        counts = ", ".join(f"{count:,} in {split}" for split, count in audit.groups.items())
        print(f"groups: {counts}")
    for problem in audit.problems:
        print(f"problem: {messages.translate(problem)}")
    for advice in audit.advice:
        print(f"advice: {messages.translate(advice)}")
    if not audit.problems:
        print("no problems found")


def _print_bad(error: "BadFilesError", problem: str, as_json: bool) -> None:
    """Every file that cannot be read: a line each, or a document."""
    if as_json:
        bad = [{"path": path, "reason": reason} for path, reason in error.bad]
        print_json({"bad": bad, "problems": [messages.translate(problem)]})
        return
    for path, reason in error.bad:
        print(one_line(f"bad: {path} {reason}"))


@data_app.command("doctor")
@reading_options
def doctor(
    source: str = typer.Argument("fashion-mnist", help=DATA_HELP, autocompletion=complete_data),
    predictions: list[Path] = typer.Option(
        [],
        "--predictions",
        help="Out-of-sample predictions to check labels with: cross-validations (train), runs "
        "(test), or predictions files; repeatable.",
        autocompletion=complete_runs,
    ),
    out: Path = typer.Option(
        Path("doctor.html"), "--out", help="The page; review.json is written beside it."
    ),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Find labels that may be wrong, near duplicates and outliers.

    Writes a page on which you keep, relabel or drop each finding, and review.json. The page saves
    your decisions to a new review.json, which 'data apply' turns into a new dataset.
    """
    from dressform.evaluation.evaluate import describe
    from dressform.exploration.doctor import counted_finding
    from dressform.workbench.datasets import diagnose

    diagnosed = diagnose(source, predictions=predictions, out=out, **reading)
    diagnosis = diagnosed.diagnosis
    advice = () if diagnosis.suggestion is None else diagnosis.suggestion.advice
    if as_json:
        print_json(
            {
                "page": str(diagnosed.page),
                "review": str(diagnosed.review),
                "counts": diagnosis.counts,
                "advice": [messages.translate(line) for line in advice],
                "groups": None if diagnosed.groups is None else str(diagnosed.groups),
                "reevaluated": [asdict(scores) for scores in diagnosis.reevaluated],
            }
        )
        return
    for finding, count in diagnosis.counts.items():
        print(f"{count:6,} {counted_finding(finding, count)}")
    for scores in diagnosis.reevaluated:
        print(f"accuracy of {scores.name} on {scores.split}")
        for description, estimate in scores.scores():
            print(f"  {description}: {describe(estimate)}")
    for line in advice:
        print(f"advice: {messages.translate(line)}")
    print(f"page    {diagnosed.page}\nreview  {diagnosed.review}")
    if diagnosed.groups is not None:
        print(f"groups  {diagnosed.groups}")


@data_app.command("apply")
def apply(
    review: Path = typer.Argument(help="review.json, as the doctor's page saved it."),
    data: str | None = typer.Option(
        None, "--data", help="The reviewed dataset, if it has moved.", autocompletion=complete_data
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        help="The new dataset. Default: the folder 'reviewed' for class folders, otherwise "
        "reviewed.npz.",
    ),
    as_json: bool = Json,
) -> None:
    """Apply a review and write the new dataset.

    The original is not changed.

    For class folders, the original files are copied into new folders; anything else becomes an
    .npz file.
    """
    from dressform.workbench.datasets import apply_review

    reviewed = apply_review(review, out=out, data=data)
    if as_json:
        print_json(
            {
                "data": str(reviewed.path),
                "relabelled": reviewed.relabelled,
                "dropped": reviewed.dropped,
                "examples": reviewed.examples,
                "command": reviewed.command,
            }
        )
        return
    left = ", ".join(f"{count:,} {split}" for split, count in reviewed.examples.items())
    print(f"{reviewed.relabelled:,} relabelled, {reviewed.dropped:,} dropped: {left}")
    print(f"train on it with: {shlex.join(reviewed.command)}")
