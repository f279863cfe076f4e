"""`Frame`: what pandas' data frames have in common with others, without pandas."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Frame:
    """Columns with names; iterating gives the names.

    Args:
        values: [N, K].
        columns: K names.
    """

    def __init__(self, values: Any, columns: Sequence[object]) -> None:
        self._values, self.columns = np.asarray(values), list(columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self._values.astype(dtype or self._values.dtype)

    def __iter__(self) -> Iterator[object]:
        return iter(self.columns)

    def iterrows(self) -> Iterator[tuple[int, NDArray[Any]]]:
        return enumerate(self._values)

    def turned(self, *places: int) -> "Frame":
        """The same columns in another order."""
        return Frame(self._values[:, places], [self.columns[place] for place in places])
