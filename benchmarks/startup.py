"""Wall time of short commands, process start included.

    python benchmarks/startup.py [RUN] [--rounds 15]

RUN is a finished run; default: the model that comes with dressform. The image is
examples/images/ankle-boot.png.
"""

import argparse
import statistics
import subprocess
import time
from pathlib import Path

from report import write_report

PICTURE = Path(__file__).resolve().parent.parent / "examples" / "images" / "ankle-boot.png"


def main() -> None:
    """Time each command and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", nargs="?", default="shipped")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    commands = {
        "--help": ["dressform", "--help"],
        "predict": ["dressform", "predict", str(PICTURE), "--model", options.run],
    }
    results = {}
    for name, command in commands.items():
        seconds = []
        for _ in range(options.rounds + 1):
            started = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            seconds.append(time.perf_counter() - started)
        seconds = sorted(seconds[1:])  # the first fills the file cache
        low, middle, high = seconds[0], statistics.median(seconds), seconds[-1]
        results[name] = {
            "n": options.rounds,
            "min": round(low, 3),
            "median": round(middle, 3),
            "max": round(high, 3),
        }
        print(name, results[name])
    write_report(
        "startup",
        f"python benchmarks/startup.py {Path(options.run).name} --rounds {options.rounds}",
        results,
    )


if __name__ == "__main__":
    main()
