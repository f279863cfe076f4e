"""How predictions are timed, the same on every side. Needs NumPy alone."""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def time_predictions(
    predict: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any], answer: str, **facts: Any
) -> None:
    """Print images per second (median of three passes after one) and milliseconds for one image (of
    30) as JSON.

    Args:
        predict: scores [N, K] of images [N, ...].
        x: the images.
        answer: file for the predicted classes, .npy.
        facts: printed beside.
    """
    np.save(answer, predict(x).argmax(1))
    rates, single = [], []
    for _ in range(3):
        start = time.perf_counter()
        predict(x)
        rates.append(len(x) / (time.perf_counter() - start))
    for i in range(30):
        start = time.perf_counter()
        predict(x[i : i + 1])
        single.append(1000 * (time.perf_counter() - start))
    print(
        json.dumps(
            {
                "images_per_second": statistics.median(rates),
                "ms": statistics.median(single),
                **facts,
            }
        )
    )
