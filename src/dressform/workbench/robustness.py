"""How much accuracy a run keeps on corrupted images."""

import logging
from collections.abc import Sequence
from pathlib import Path

from dressform.core.arguments import whole_number
from dressform.data.source import DataSource
from dressform.exploration.points import data_of
from dressform.predict.prediction_sets import split_of
from dressform.predict.predictor import Predictor
from dressform.predict.robustness import Robustness
from dressform.predict.robustness import robustness as measure_robustness
from dressform.predictions.examples import examples_of
from dressform.runs.ledger import note_look
from dressform.runs.run import Run
from dressform.workbench.opening import open_one_run

logger = logging.getLogger(__name__)


def robustness(
    run: Run | str | Path,
    *,
    corruptions: Sequence[str] = (),
    split: str | None = None,
    seed: int = 0,
    data: DataSource | None = None,
) -> Robustness:
    """The accuracy of a run on corrupted images, as in Fashion-MNIST-C.

    Args:
        run: finished.
        corruptions: names; default all.
        split: ``test`` (default, where there is one) or ``validation``.
        seed: of noise, and of what has a direction.
        data: the run's images, where they have moved.

    Raises:
        DressformError: a subclass that says what came, what was allowed and what to do.
    """
    seed = whole_number("seed", seed, least=0)
    opened = open_one_run(run)
    chosen = split_of(opened, split)
    splits = data_of(opened, data)
    images = examples_of(opened.predictions(chosen), splits, chosen)
    if chosen == "test":
        note_look(opened.path, what="robustness", examples=len(images))

    def progress(done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            logger.info("measured %d of %d corruptions", done, total)

    return measure_robustness(Predictor(opened), images, corruptions, seed=seed, progress=progress)
