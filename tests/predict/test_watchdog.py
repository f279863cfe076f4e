"""Time limits: one thread for all calls."""

import os
import threading
import time

import pytest

from dressform.core.errors import ResourceError
from dressform.predict.watchdog import Watchdog


def test_calls_under_way_and_calls_to_come_share_a_thread() -> None:
    watchdog = Watchdog()
    with watchdog.limit(30, lambda: None):
        thread = watchdog._thread
        assert thread is not None
        while not watchdog._changed._waiters:  # type: ignore[attr-defined]
            time.sleep(0.01)  # until it sleeps: one that finds no call under way ends
        with watchdog.limit(60, lambda: None):
            assert watchdog._thread is thread
    for _ in range(100):
        with watchdog.limit(60, lambda: None):
            assert watchdog._thread is thread
    assert thread.is_alive()
    assert not watchdog._calls


def test_each_call_ends_at_its_own_limit_whatever_began_before() -> None:
    watchdog, begun = Watchdog(), time.monotonic()
    ended: dict[float, float] = {}
    late, last = threading.Event(), threading.Event()
    with watchdog.limit(60, late.set):
        for seconds in (0.6, 0.2):
            threading.Thread(
                target=lambda seconds=seconds: _limited(watchdog, seconds, begun, ended, last)
            ).start()
        assert last.wait(10)
    assert 0.2 <= ended[0.2] < ended[0.6]
    assert ended[0.6] >= 0.6
    assert not late.is_set()


def _limited(
    watchdog: Watchdog,
    seconds: float,
    begun: float,
    ended: dict[float, float],
    last: threading.Event,
) -> None:
    over = threading.Event()
    with watchdog.limit(seconds, over.set):
        over.wait(10)
    ended[seconds] = time.monotonic() - begun
    if len(ended) == 2:
        last.set()


def test_a_call_in_time_is_left_alone_and_the_thread_ends() -> None:
    watchdog, over = Watchdog(), threading.Event()
    with watchdog.limit(0.2, over.set):
        pass
    stop = time.monotonic() + 10
    while watchdog._thread is not None and time.monotonic() < stop:
        time.sleep(0.05)
    assert watchdog._thread is None
    assert not over.is_set()
    with watchdog.limit(0.1, over.set):  # and begins again
        assert over.wait(10)


def test_without_a_thread_there_is_no_call_and_the_next_one_has_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watchdog, over = Watchdog(), threading.Event()

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(ResourceError, match="no further thread can be started"):
            watchdog.limit(0.2, over.set).__enter__()
    assert not watchdog._calls
    with watchdog.limit(0.2, over.set):
        assert over.wait(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_limits_of_its_own() -> None:
    from dressform.predict.watchdog import WATCHDOG

    with WATCHDOG.limit(60, lambda: None):
        child = os.fork()
        if not child:
            over = threading.Event()
            with WATCHDOG.limit(0.1, over.set):
                os._exit(0 if over.wait(10) else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
