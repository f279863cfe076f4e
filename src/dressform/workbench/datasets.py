"""Datasets: the bundled ones, and what the data doctor finds in any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from dressform.core.display import Listing, brief
from dressform.core.errors import ConfigError, DataError
from dressform.core.files import user_path
from dressform.core.links import link
from dressform.data.archive import write_archive
from dressform.data.catalog import CATALOG, DatasetSpec
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.data.review import Review
from dressform.data.review import apply_review as apply_decisions
from dressform.data.reviewed_folder import has_class_folders, write_reviewed_folder
from dressform.data.source import log_notes, read_data, read_examples_by_split
from dressform.exploration.doctor import Diagnosis, examine
from dressform.exploration.group_suggestion import write_groups
from dressform.exploration.out_of_sample import load_out_of_sample
from dressform.reporting.doctor import write_diagnosis
from dressform.reporting.output import target_of
from dressform.runs.crossval import CrossvalRun
from dressform.runs.run import Run
from dressform.workbench.opening import folder_of, several

Source = Run | CrossvalRun | str | Path
"""Of predictions: a path is that of a run, a cross-validation or a predictions file."""


def list_datasets() -> Listing[DatasetSpec]:
    """The bundled datasets."""
    return Listing(
        CATALOG.values(),
        lambda one: {"name": one.name, "description": one.description, "licence": one.licence},
    )


@dataclass(frozen=True)
class Diagnosed:
    """What :func:`diagnose` wrote.

    Attributes:
        diagnosis: the findings.
        page: the HTML file on which each can be decided.
        review: review.json, which the page saves again with the decisions.
        groups: groups.csv, a table of the image files with a group for each set of near duplicates
            or of names that belong together; None if there are none, or the data are no files.
    """

    diagnosis: Diagnosis
    page: Path
    review: Path
    groups: Path | None = None

    def __repr__(self) -> str:
        return brief(self, str(self.page), repr(self.diagnosis))

    def _repr_html_(self) -> str:
        files = [path for path in (self.page, self.review, self.groups) if path is not None]
        return f"{self.diagnosis._repr_html_()}<div>{' · '.join(map(link, files))}</div>"


def diagnose(
    data: str | Path = "fashion-mnist",
    *,
    predictions: Source | Sequence[Source] = (),
    out: str | Path = "doctor.html",
    **reading: Unpack[ReadArguments],
) -> Diagnosed:
    """Find labels that may be wrong, near duplicates and outliers, and write a page of them.

    Args:
        data: a dataset's name or a path.
        predictions: that labels are compared with, one or several: cross-validations (train), runs
            (test) or predictions files.
        out: the page; ``review.json``, and ``groups.csv`` where images belong together, are
            written beside it.
        **reading: how the data are read: see :func:`dressform.load_data`.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    target = target_of(out, out, Path(out).name)
    listing = target.with_name("review.json")
    if listing.exists() and Review.load(listing).decisions:
        raise ConfigError(
            f"{listing} holds decisions already; give out= in another folder, so that they are "
            f"not lost"
        )
    examples = read_examples_by_split(data, ReadOptions.of(reading))
    splits = examples.splits or read_data(data, ReadOptions.of(reading))  # which says why not
    log_notes(splits)
    sources: list[Source] = several([predictions])
    judges = [load_out_of_sample(folder_of(one)) for one in sources]
    diagnosis = examine(splits, judges)
    files = {
        (split, example): source
        for split, part in examples.parts.items()
        for example, source in zip(part.ids.tolist(), examples.sources[split] or (), strict=False)
    }
    write_diagnosis(target, diagnosis, splits, files)
    diagnosis.review.save(listing)
    groups, suggestion, folder = None, diagnosis.suggestion, splits.location or ""
    if suggestion is not None and suggestion.advice and has_class_folders(folder, splits):
        groups = target.with_name("groups.csv")
        write_groups(groups, Path(folder), splits, suggestion.groups)
    return Diagnosed(diagnosis, target, listing, groups)


@dataclass(frozen=True)
class ReviewedData:
    """What :func:`apply_review` wrote.

    Attributes:
        path: of the new dataset.
        relabelled, dropped: examples.
        examples: left in each split.
        command: that trains on it, as the reviewed dataset was trained on.
    """

    path: Path
    relabelled: int
    dropped: int
    examples: dict[str, int]
    command: list[str]

    def __repr__(self) -> str:
        left = (f"{split} {count:,}" for split, count in self.examples.items())
        return brief(
            self,
            str(self.path),
            f"{self.relabelled:,} relabelled",
            f"{self.dropped:,} dropped",
            *left,
        )


def apply_review(
    review: str | Path,
    *,
    out: str | Path | None = None,
    data: str | Path | None = None,
) -> ReviewedData:
    """Make the dataset that a review decided on; the original stays as it is.

    Of class folders the original files are copied into new ones; anything else becomes an NPZ file.

    Args:
        review: review.json, as the doctor's page saved it.
        out: the new dataset; default the folder ``reviewed``, or ``reviewed.npz``.
        data: the reviewed dataset, if it has moved.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    decisions = Review.load(user_path(review))
    if not decisions.decisions:
        raise DataError(f"no decisions in {review}; give the one that your browser saved")
    source, options = data or decisions.source, decisions.options
    splits = read_data(source, options)
    folders = has_class_folders(str(source), splits)
    target = Path(out or ("reviewed" if folders else "reviewed.npz"))
    _check_target(target, str(source), folders)
    applied = apply_decisions(splits, decisions)
    if folders:
        write_reviewed_folder(user_path(source), splits, applied.data, target)
    else:
        write_archive(target, applied.data)
    recipe = decisions.recipe or ("auto" if folders else "fast")
    command = ["dressform", "train", recipe]
    command += [word for setting in decisions.settings for word in ("--set", setting)]
    command += ["--data", str(target)]
    kept = ReadOptions(image_size=options.image_size, groups=options.groups)
    command += kept.words()
    examples = {split: len(dataset) for split, dataset in applied.data}
    return ReviewedData(target, applied.relabelled, applied.dropped, examples, command)


def _check_target(target: Path, source: str, folders: bool) -> None:
    if not target.absolute().parent.is_dir():
        raise ConfigError(
            f"{target.absolute().parent} does not exist; create that folder, or give another out="
        )
    if target.exists():
        raise ConfigError(f"{target} already exists; give another out=, so that no dataset is lost")
    if (target.suffix == ".npz") == folders:
        allowed = (
            f"a folder, since {source} has class folders" if folders else "a file that ends in .npz"
        )
        raise ConfigError(f"out is {target}; allowed: {allowed}")
