"""Threads that have to end, and say where they are if they do not."""

import asyncio
import gc
import io
import sys
import threading
import traceback

SECONDS = 120.0
"""A server waits for its requests, predictions and threads, each in its own time."""


def ends(*threads: threading.Thread) -> None:
    """Wait for them; what does not end shows the stacks of the whole process."""
    for thread in threads:
        thread.join(SECONDS)
    left = [thread.name for thread in threads if thread.is_alive()]
    assert not left, f"{', '.join(left)} did not end\n{_stacks()}"


def _stacks() -> str:
    """Of all threads, and of the tasks of all event loops."""
    found = io.StringIO()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for number, frame in sys._current_frames().items():
        print(f"\nthread {names.get(number, number)}", file=found)
        traceback.print_stack(frame, file=found)
    for task in [one for one in gc.get_objects() if isinstance(one, asyncio.Task)]:
        if not task.done():
            print(file=found)
            task.print_stack(file=found)
    return found.getvalue()
