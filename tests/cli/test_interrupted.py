"""Ctrl-C ends in one line, and a second one at once."""

import signal
import subprocess
import sys

CODE = """
import sys, threading, time
from dressform.cli import lists, main

def recipes():
    raise KeyboardInterrupt

threading.Thread(target=time.sleep, args=(60,)).start()
lists.recipes = recipes
sys.argv = ["dressform", "recipes"]
main.main()
"""


def test_a_second_one_waits_for_no_thread() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL
    )
    assert process.stderr is not None
    try:
        assert "interrupted" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
    finally:
        process.kill()
    assert rest == ""
    assert process.returncode == -signal.SIGINT
