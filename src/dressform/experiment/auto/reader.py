"""`Reader`: the data of one call at the sizes that its candidates want."""

import queue
import threading
from dataclasses import replace
from pathlib import Path

from dressform.core.clock import Deadline
from dressform.core.errors import ConfigError
from dressform.data.dataset import DatasetSplits
from dressform.data.read_options import ReadOptions
from dressform.data.source import read_data

LEAST_READING = 20.0
"""Seconds that a reading may take in any case."""


class Reader:
    """Reads the data at a size, and again for another: photos are large, so one size is kept
    beside the first, which is small.

    Args:
        source: a dataset's name or a path.
        reading: how it is read, but for the size.
        deadline: by when a reading has to be over.
    """

    def __init__(self, source: str | Path, reading: ReadOptions, deadline: Deadline) -> None:
        self._source, self._reading, self._deadline = source, reading, deadline
        self._first: int | None = None
        self._name: str | None = None
        self._read: dict[int | None, DatasetSplits] = {}

    def __call__(self, image_size: int | None) -> DatasetSplits:
        """The data at a size.

        Raises:
            ConfigError: the deadline has passed before they were read.
            DataError: they cannot be read.
        """
        if not self._read:
            self._first = image_size
        if image_size not in self._read:
            kept = {size: data for size, data in self._read.items() if size == self._first}
            data = self._in_time(image_size)
            self._read = {**kept, image_size: replace(data, name=self._name or data.name)}
        return self._read[image_size]

    def rename(self, name: str) -> None:
        """Call the data so from now on, in place of their own name."""
        self._name = name
        self._read = {size: replace(data, name=name) for size, data in self._read.items()}

    def has(self, image_size: int | None) -> bool:
        """Whether the data are in memory at that size."""
        return image_size in self._read

    def _in_time(self, image_size: int | None) -> DatasetSplits:
        """Read in a thread, which nobody waits for when the time is over: nothing can stop it, but
        it ends with the process (decoding threads finish the few images that they have).
        """
        options = replace(self._reading, image_size=image_size)
        answers: queue.SimpleQueue[DatasetSplits | BaseException] = queue.SimpleQueue()

        def read() -> None:
            try:
                answers.put(read_data(self._source, options))
            except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
                answers.put(error)

        threading.Thread(target=read, name="reading", daemon=True).start()
        try:
            # Data of an interrupted call are read although its time is over.
            answer = answers.get(timeout=max(LEAST_READING, self._deadline.left()))
        except queue.Empty:
            raise ConfigError(
                f"reading {self._source} takes longer than the budget; give a larger budget="
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer
