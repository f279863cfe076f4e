"""What was trained: list, annotate and delete runs, cross-validations and tunings."""

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from dressform.core.display import Listing
from dressform.core.errors import ConfigError, RunError, unknown_name
from dressform.core.files import user_path
from dressform.core.numbers import percent
from dressform.runs.annotations import Annotations, write_annotations
from dressform.runs.crossval import CrossvalRun
from dressform.runs.layout import DEFAULT_ROOT
from dressform.runs.layout import runs_page as default_page
from dressform.runs.listing import SORTS, STATUSES, RunRow, find_row, sorted_rows
from dressform.runs.listing import list_runs as all_rows
from dressform.runs.removal import remove_folder
from dressform.runs.run import Run


def list_runs(
    out: str | Path = DEFAULT_ROOT,
    *,
    sort: str = "val",
    data: str | None = None,
    recipe: str | None = None,
    tags: Iterable[str] = (),
    status: str | None = None,
) -> Listing[RunRow]:
    """All runs, cross-validations and tunings; the run of each dataset with the best validation
    accuracy is marked (``best``).

    Args:
        out: folder of all runs.
        sort: ``val``, validation accuracy, best first; ``date``, newest first; ``time``,
            ``parameters``, ``recipe``, ``seed`` or ``status``. There is no order by test accuracy:
            choices are made on validation data.
        data, recipe: names, or patterns such as ``conv*``.
        tags: that a run must all have.
        status: ``finished``, ``running``, ``stopped``, ``failed`` or ``damaged``.

    Raises:
        UnknownNameError: no such order or status.
        RunError: the folder does not exist, unless it is the default, which a first training
            makes.
    """
    if sort not in SORTS:
        raise unknown_name("order", sort, SORTS)
    if status is not None and status not in STATUSES:
        raise unknown_name("status", status, STATUSES)
    wanted = set(tags)
    rows = [
        row
        for row in _rows(out)
        if (data is None or fnmatchcase(row.data, data))
        and (recipe is None or fnmatchcase(row.recipe, recipe))
        and (status is None or row.status == status)
        and wanted <= set(row.annotations.tags)
    ]
    return Listing(sorted_rows(rows, sort), _shown)


def _rows(out: str | Path) -> list[RunRow]:
    root = user_path(out)
    return all_rows(root) if root.exists() or root != user_path(DEFAULT_ROOT) else []


def _shown(row: RunRow) -> dict[str, str]:
    """What a list shows of a run."""
    return {
        "run": row.title,
        "data": row.data,
        "seed": "-" if row.seed is None else str(row.seed),
        "status": row.status,
        "validation accuracy": percent(row.val_accuracy),
        "folder": str(row.path),
    }


def annotate_run(
    run: Run | CrossvalRun | str | Path,
    *,
    name: str | None = None,
    note: str | None = None,
    add_tags: Iterable[str] = (),
    remove_tags: Iterable[str] = (),
    out: str | Path = DEFAULT_ROOT,
) -> Annotations:
    """Give a run, cross-validation or tuning a name, a note or tags.

    They are kept in ``annotations.json`` in its folder, which does not move: digests and resuming
    are unaffected.

    Args:
        run: it, its folder, or its name.
        name: to list it under; empty text takes the name away. None leaves it.
        note: any text; empty text takes the note away. None leaves it.
        add_tags, remove_tags: tags.
        out: folder of all runs, in which names are unique.

    Returns:
        all annotations of the run.

    Raises:
        ConfigError: a name or tag that is not allowed, or that is taken; a tag to remove that it
            does not have.
        RunError: no such run.
    """
    row = _row(run, out)
    before, root = row.annotations, user_path(out)
    if name and name != before.name and root.is_dir():
        taken = [other for other in all_rows(root) if other.annotations.name == name]
        if taken:
            raise ConfigError(f"{taken[0].path} is called {name} already; choose another name")
    missing = [tag for tag in remove_tags if tag not in before.tags]
    if missing:
        raise unknown_name(f"tag of {row.path}", missing[0], before.tags)
    given = replace(
        before,
        name=before.name if name is None else name or None,
        note=before.note if note is None else note.strip(),
        tags=tuple(({*before.tags} - set(remove_tags)) | set(add_tags)),
    )
    try:
        write_annotations(row.path, given)
    except OSError as error:
        raise RunError(
            f"{error.filename or row.path} cannot be written ({error.strerror or error})"
        ) from error
    return given


def remove_run(run: Run | CrossvalRun | str | Path, *, out: str | Path = DEFAULT_ROOT) -> None:
    """Delete a run, cross-validation or tuning with everything in its folder.

    Args:
        run: it, its folder, or its name.
        out: folder of all runs, where names are looked up.

    Raises:
        RunError: no such run, a process is writing to it, or it cannot be deleted.
    """
    remove_folder(_row(run, out).path)


def runs_page(
    rows: Iterable[RunRow], page: str | Path | None = None, *, out: str | Path = DEFAULT_ROOT
) -> Path:
    """Write the table of runs as one HTML page, with links to their reports.

    Args:
        rows: of :func:`list_runs`.
        page: the HTML file; default ``runs.html`` in ``out``.
        out: folder of all runs.

    Returns:
        the file.

    Raises:
        ConfigError: it cannot be written there.
    """
    from dressform.reporting.output import target_of
    from dressform.reporting.runs import write_runs_page

    root = user_path(out)
    target = target_of(page, root, default_page(root).name, argument="page")
    write_runs_page(target, list(rows), root)
    return target


def _row(run: Run | CrossvalRun | str | Path, out: str | Path) -> RunRow:
    what = run.path if isinstance(run, (Run, CrossvalRun)) else run
    return find_row(str(what), user_path(out))
