"""Executes a page's blocks of Python, one after the other in one namespace: a line of JSON for each
block in, a line of JSON with its traceback or null out.
"""

import contextlib
import json
import sys
import traceback


def main() -> None:
    """Until stdin ends."""
    namespace = {"__name__": "__page__"}
    for line in sys.stdin:
        code, place = json.loads(line)
        fault = None
        with contextlib.redirect_stdout(sys.stderr):
            try:
                exec(compile(code, place, "exec"), namespace)
            except Exception:  # noqa: BLE001 - whatever the code raises is the answer
                fault = traceback.format_exc()
        print(json.dumps(fault), flush=True)


if __name__ == "__main__":
    main()
