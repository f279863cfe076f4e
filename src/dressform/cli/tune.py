"""``dressform tune``."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dressform.cli.complete import complete_data, complete_recipes
from dressform.cli.lists import Json
from dressform.cli.output import print_json, say
from dressform.cli.progress import Display, bars
from dressform.cli.reading import DATA_HELP, READING, reading_options
from dressform.cli.table import print_table
from dressform.core.numbers import percent, time_left
from dressform.core.text import counted
from dressform.data.read_options import ReadArguments
from dressform.runs.layout import DEFAULT_ROOT

if TYPE_CHECKING:
    from dressform.runs.tuning import Trial, Tuning

SHOWN = 10


@reading_options
def tune(
    recipe: str = typer.Argument(
        "fast",
        help="A name of 'dressform recipes', or file.py:function.",
        autocompletion=complete_recipes,
    ),
    space: list[str] = typer.Option(
        ...,
        "--space",
        help="Search space: optim.lr=log:1e-4:1e-1, model.dropout=0:0.5, batch_size=64,128,256 …",
    ),
    trials: int = typer.Option(30, "--trials", help="Total number of trials."),
    metric: str = typer.Option("val_accuracy", "--metric", help="val_accuracy or val_loss."),
    data: str = typer.Option(
        "fashion-mnist", "--data", help=DATA_HELP, autocompletion=complete_data
    ),
    seed: int = typer.Option(0, "--seed", help="Random seed for sampling and training."),
    settings: list[str] = typer.Option(
        [], "--set", help="Change the recipe first: epochs=3, model.dropout=0.1 …"
    ),
    out: Path = typer.Option(DEFAULT_ROOT, "--out", help="Folder of all runs."),
    resume: bool = typer.Option(False, "--resume", help="Continue a study, or add trials to it."),
    device: str = typer.Option("auto", "--device", help="auto, cpu or cuda."),
    reading: ReadArguments = READING,
    as_json: bool = Json,
) -> None:
    """Find good settings for a recipe.

    Settings are compared on validation images; the test split is not used.
    """
    from dressform.cli.process import prepare_training
    from dressform.workbench.training import tune as search

    prepare_training([recipe], seed)
    with TrialProgress() as progress:
        tuning = search(
            recipe,
            space,
            data,
            trials=trials,
            metric=metric,
            settings=settings,
            seed=seed,
            out=out,
            resume=resume,
            device=device,
            callback=progress,
            progress=False,
            **reading,
        )
    if tuning.best is not None:
        say(
            "note: the best value is optimistic, because it is the best of many on the same "
            "validation images; training the best settings gives an unbiased test score"
        )
    if as_json:
        print_json(tuning.to_json())
    else:
        _print(tuning, out)


def _print(tuning: "Tuning", out: Path) -> None:
    paths = list(tuning.space)
    rows = [
        (
            str(t.number),
            t.state,
            _shown(t.value, tuning.metric),
            _epochs(t.epochs),
            *(str(t.settings[p]) for p in paths),
        )
        for t in tuning.ranked[:SHOWN]
    ]
    header = ("trial", "state", tuning.metric, "trained", *paths)
    print_table(header, rows, shorten=range(4, len(header)))
    if len(tuning.trials) > SHOWN:
        print(f"and {len(tuning.trials) - SHOWN} more in {tuning.layout.document}")
    if tuning.importances:
        print()
        print_table(
            ("setting", "importance"),
            [(path, percent(share)) for path, share in tuning.importances.items()],
        )
    print()
    print(f"{'study':10s} {tuning.path}")
    print(f"{'figure':10s} {tuning.layout.figure}")
    elsewhere = "" if out == DEFAULT_ROOT else f" --out {shlex.quote(str(out))}"
    best = (
        "none: no trial completed; try lower learning rates"
        if tuning.best is None
        else f"{tuning.command}{elsewhere}"
    )
    print(f"{'best':10s} {best}")


def _epochs(count: int) -> str:
    return counted(count, "epoch")


def _shown(value: float | None, metric: str) -> str:
    if value is None:
        return "-"
    return percent(value) if metric == "val_accuracy" else f"{value:.4f}"


class TrialProgress(Display):
    """Prints a line per trial, and a bar of all trials on a terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._bars: Any = None
        self._trials = self._before = 0
        self._began = time.monotonic()
        self._metric = ""

    def on_tuning_begin(self, tuning: "Tuning", trials: int) -> None:
        """Open the bar."""
        self._trials, self._metric = trials, tuning.metric
        done = len(tuning.trials)
        if done:
            say(
                f"resumed after trial {done} of {trials}"
                if done < trials
                else f"the study already has its {done} trials"
            )
        self._began, self._before = time.monotonic(), done
        if self._live:
            self.console, self._bars = bars()
            self._bar = self._bars.add_task(
                "tuning", total=trials, completed=min(done, trials), left=""
            )
            self._bars.start()

    def on_trial_epoch_end(self, trial: int, epoch: int, epochs: int) -> None:
        """Move the bar."""
        if self._bars is not None:
            text = f"trial {trial}  epoch {epoch}/{epochs}"
            done = trial + epoch / epochs
            per_trial = (time.monotonic() - self._began) / max(1e-9, done - self._before)
            left = time_left(per_trial * max(0.0, self._trials - done))
            self._bars.update(self._bar, completed=done, description=text, left=left)

    def on_trial_end(self, trial: "Trial", best: "Trial | None", reason: str) -> None:
        """Print the trial's line."""
        record = "none yet"
        if best is not None:
            record = f"{_shown(best.value, self._metric)} (trial {best.number})"
        value = f"{self._metric} {_shown(trial.value, self._metric)}"
        number = f"{trial.number + 1:3d}/{self._trials}  trial {trial.number}"
        settings = " ".join(trial.assignments)
        line = f"{number}: {trial.state:8s}  {value}  best {record}  {settings}"
        if self._bars is not None:
            self._bars.update(self._bar, completed=trial.number + 1)
        self.say(f"{line}{f'  ({reason})' if reason else ''}")

    def on_phase_begin(self, name: str) -> None:
        """Say what is done now."""
        if self._bars is not None:
            self._bars.update(self._bar, description=name)
        elif self._trials:
            say(f"{name} …")

    def close(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = self.console = None
