"""`map_in_order`: work on batches in several threads, results in the order of the input, in bounded
memory.
"""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Sequence[Item]], Sequence[Result]],
    items: Iterable[Item],
    batch_size: int,
    workers: int,
) -> Generator[Result, None, None]:
    """The results of ``function`` for batches of items, one after another, lazily.

    At most ``workers + 1`` batches are in work or wait to be taken. An error of the function is
    raised in its place; what has begun is finished first.

    Args:
        function: called with up to ``batch_size`` items in one of the threads.
        items: read in the calling thread.
        batch_size: items per call, except in the last one.
        workers: number of threads; 1 calls the function in the calling thread.
    """
    iterator = iter(items)
    batches = iter(lambda: list(itertools.islice(iterator, batch_size)), [])
    if workers == 1:
        for batch in batches:
            yield from function(batch)
        return
    pending: deque[Future[Sequence[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="dressform") as pool:
        try:
            for batch in batches:
                pending.append(pool.submit(function, batch))
                if len(pending) > workers:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
