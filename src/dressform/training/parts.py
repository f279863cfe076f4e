"""`Parts`: the trainings that one recipe stands for, told as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dressform.training.callback import Callback
from dressform.training.checkpoint import TrainingFiles
from dressform.training.history import Epoch
from dressform.training.recipe import Recipe

SHARE = 0.5
"""Of the time to the deadline, for the first."""


@dataclass(frozen=True)
class Part:
    """One of the trainings.

    Attributes:
        recipe: of it, alone.
        callback: that passes everything on, as a part of the whole.
        files: of it.
        prefix: of its settings' names in the recipe of the whole.
    """

    recipe: Recipe
    callback: Callback
    files: TrainingFiles
    prefix: str = ""

    def skip(self, history: Sequence[Epoch]) -> None:
        """The part was trained before: its epochs are told when the next part begins."""
        assert isinstance(self.callback, _Passing)
        self.callback.skip(history)


class Parts:
    """The trainings of a recipe's parts, each to be done before the next is asked for.

    Args:
        whole: the training of a recipe with one beside it, or with a teacher.
    """

    def __init__(self, whole: Part) -> None:
        self._whole = whole

    def __iter__(self) -> Iterator[Part]:
        history: list[Epoch] = []
        steps: list[int] = []
        whole, parts = self._whole, self._whole.recipe.prefixed_parts
        for number, (prefix, recipe) in enumerate(parts.items(), 1):
            is_last = number == len(parts)
            callback = _Passing(whole.callback, history, steps, is_last=is_last)
            yield Part(recipe, callback, whole.files.part(str(number)), whole.prefix + prefix)
            history, steps = callback.history, callback.steps


class _Passing(Callback):
    """Tells of a part's training as of the whole one.

    Args:
        inner: the callback of the whole.
        history: rows of the parts before.
        steps: of their epochs.
        is_last: whether the whole training ends with this part.
    """

    def __init__(
        self, inner: Callback, history: Sequence[Epoch], steps: Sequence[int], *, is_last: bool
    ) -> None:
        self._inner, self._is_last = inner, is_last
        self._rows_before, self._steps_before = list(history), list(steps)
        self.history, self.steps = list(history), list(steps)
        self.stop_training = inner.stop_training
        self.deadline = inner.deadline
        if inner.deadline is not None and not is_last:
            part = (1 - SHARE) * max(0.0, inner.deadline.left())
            self.deadline = replace(inner.deadline, at=inner.deadline.at - part)

    def on_features(self, done: int, total: int) -> None:
        """Pass on."""
        self._inner.on_features(done, total)

    def skip(self, history: Sequence[Epoch]) -> None:
        """The part was trained before, in no step of this training."""
        self.history = [*self._rows_before, *map(self._row, history)]
        self.steps = [*self._steps_before, *[0] * len(history)]

    def on_train_begin(self, history: Sequence[Epoch], steps: Sequence[int]) -> None:
        """The epochs of the parts before are done. A part of several parts tells this for each of
        them, with all that it has done so far.
        """
        self.history = [*self._rows_before, *map(self._row, history)]
        self.steps = [*self._steps_before, *steps]
        self._inner.on_train_begin(self.history, self.steps)
        self.stop_training = self._inner.stop_training

    def on_step(self, step: int, images: int, loss: float | None, accuracy: float | None) -> None:
        """Pass on."""
        self._inner.on_step(step, images, loss, accuracy)

    def on_steps_changed(self, steps: int) -> None:
        """Pass on."""
        self._inner.on_steps_changed(sum(self._steps_before) + steps)

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Pass on, numbered within the whole."""
        self.history.append(self._row(epoch))
        self._inner.on_epoch_end(self.history[-1])
        self.stop_training = self._inner.stop_training

    def on_train_end(self) -> None:
        """Pass on at the end of the whole."""
        if self._is_last:
            self._inner.on_train_end()

    def _row(self, epoch: Epoch) -> Epoch:
        return replace(epoch, epoch=epoch.epoch + len(self._rows_before))
