"""``dressform data``: list, check, doctor, apply."""

from dataclasses import asdict
from pathlib import Path

import typer

from dressform.cli.lists import Json
from dressform.cli.output import print_json, print_table, say

data_app = typer.Typer(
    help="List, check and mend datasets.", no_args_is_help=True, rich_markup_mode=None
)


@data_app.command("list")
def list_datasets(as_json: bool = Json) -> None:
    """List the datasets that travel with dressform."""
    from dressform.data.catalog import CATALOG

    if as_json:
        print_json(
            [
                {"name": s.name, "description": s.description, "licence": s.licence}
                for s in CATALOG.values()
            ]
        )
        return
    print_table(
        ("dataset", "description", "licence"),
        [(s.name, s.description, s.licence) for s in CATALOG.values()],
    )


@data_app.command("check")
def check(
    source: str = typer.Argument(
        help="A dataset's name, or a path: IDX, CSV, class folders or NPZ."
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
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
    print_table(
        ("class", *names),
        [(c, *(str(audit.counts[split][c]) for split in names)) for c in audit.classes],
    )
    print(
        f"\nexact duplicates inside a split: {len(audit.duplicates)} groups; equal images in two "
        f"splits: {len(audit.overlaps)}"
    )
    for problem in audit.problems:
        print(f"problem: {problem}")
    if not audit.problems:
        print("no problems found")


@data_app.command("doctor")
def doctor(
    source: str = typer.Argument(
        "fashion-mnist", help="A dataset's name, or a path: IDX, CSV, class folders or NPZ."
    ),
    predictions: list[Path] = typer.Option(
        [],
        "--predictions",
        help="To judge labels by: cross-validations (train), runs (test), or predictions files; "
        "repeatable.",
    ),
    out: Path = typer.Option(
        Path("doctor.html"), "--out", help="The page; review.json is written beside it."
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
    as_json: bool = Json,
) -> None:
    """Find labels that may be wrong, near duplicates and outliers.

    Writes a page on which each finding can be kept, relabelled or dropped, and review.json, which
    the page saves anew with your decisions and data apply turns into a new dataset.
    """
    from dressform.core.errors import ConfigError
    from dressform.data.review import Review
    from dressform.data.source import load_data
    from dressform.evaluation.evaluate import describe
    from dressform.explore.doctor import examine, judged_by
    from dressform.report.doctor import write_diagnosis
    from dressform.report.output import target_of

    target = target_of(out, out, out.name)
    listing = target.with_name("review.json")
    if listing.exists() and Review.load(listing).decisions:
        raise ConfigError(
            f"{listing} holds decisions already; give --out in another folder, so that they are "
            f"not lost"
        )
    data = load_data(source, image_size=image_size)
    for note in data.notes:
        say(f"note: {note}")
    judges = [judged_by(path, say) for path in predictions]
    where = str(Path(source).absolute()) if Path(source).exists() else source
    diagnosis = examine(data, where, judges, image_size=image_size, say=say)
    write_diagnosis(target, diagnosis, data)
    diagnosis.review.save(listing)
    if as_json:
        scores = [asdict(found) for found in diagnosis.reevaluated]
        print_json(
            {
                "page": str(target),
                "review": str(listing),
                "counts": diagnosis.counts,
                "reevaluated": scores,
            }
        )
        return
    for what, number in diagnosis.counts.items():
        print(f"{number:6,} {what}")
    for scored in diagnosis.reevaluated:
        print(f"accuracy of {scored.name} on {scored.split}")
        for words, estimate in scored.scores():
            print(f"  {words}: {describe(estimate)}")
    print(f"page    {target}\nreview  {listing}")


@data_app.command("apply")
def apply(
    review: Path = typer.Argument(help="review.json, as the doctor's page saved it."),
    data: str | None = typer.Option(
        None, "--data", help="The reviewed dataset, if it is elsewhere now."
    ),
    image_size: int | None = typer.Option(
        None, "--image-size", help="Side in pixels for folders of mixed sizes."
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        help="The new dataset. Default: of class folders the folder reviewed, of anything else "
        "reviewed.npz.",
    ),
    as_json: bool = Json,
) -> None:
    """Make the dataset that a review decided on; the original stays as it is.

    Of class folders the original files are copied into new ones; anything else becomes an .npz
    file.
    """
    import shlex

    from dressform.core.errors import ConfigError
    from dressform.core.files import user_path
    from dressform.data.archive import write_archive
    from dressform.data.review import Review, apply_review
    from dressform.data.reviewed_folder import has_class_folders, write_reviewed_folder
    from dressform.data.source import load_data

    found = Review.load(review)
    source = data or found.source
    size = image_size or found.image_size
    splits = load_data(source, image_size=size)
    folders = has_class_folders(source, splits)
    target = out or Path("reviewed" if folders else "reviewed.npz")
    if not target.absolute().parent.is_dir():
        raise ConfigError(
            f"--out is {target}; its folder does not exist, so make it, or give another --out"
        )
    if target.exists():
        raise ConfigError(
            f"{target} already exists; give another --out, so that no dataset is lost"
        )
    if (target.suffix == ".npz") == folders:
        what = (
            f"a folder, since {source} has class folders" if folders else "a file that ends in .npz"
        )
        raise ConfigError(f"--out is {target}; allowed: {what}")
    applied = apply_review(splits, found)
    if folders:
        write_reviewed_folder(user_path(source), applied.data, target)
    else:
        write_archive(target, applied.data)
    counts = {split: len(dataset) for split, dataset in applied.data}
    words = ["dressform", "train", found.recipe or ("auto" if folders else "fast")]
    words += [word for setting in found.settings for word in ("--set", setting)] + [
        "--data",
        str(target),
    ]
    words += ["--image-size", str(size)] if size is not None else []
    if as_json:
        facts = {
            "data": str(target),
            "relabelled": applied.relabelled,
            "dropped": applied.dropped,
            "examples": counts,
        }
        print_json({**facts, "command": words})
        return
    print(
        f"{applied.relabelled:,} relabelled, {applied.dropped:,} dropped: "
        f"{', '.join(f'{n:,} {s}' for s, n in counts.items())}"
    )
    print(f"train on it with: {shlex.join(words)}")
