"""Spoiled files of every reader: does any crash it, hang it, take all memory, or vanish in silence?

    python benchmarks/fuzz_readers.py [--count 100000] [--seed 0] [--workers 2] [--resume REPORT]
    python benchmarks/fuzz_readers.py --show "table a.csv" 1234      # one input again, as it came

Every input is made of a seed, the name of a sample and a number, so that each can be made again.
A worker process reads them under a limit of memory (its address space); an input that takes longer
than ``--seconds`` counts as a hang, and a new worker goes on with the next. Both skip-bad ways are
tried in turn. The report is written every 2,000 inputs, and ``--resume`` goes on from one.
"""

import argparse
import json
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import IO, Any

from fuzz_samples import samples
from mutations import outcome, random_edits
from report import write_report

SAVE_EVERY = 2000
MAX_KEPT = 200
"""Inputs that failed and are listed in the report; all are counted."""


def plan(number: int, seed: int) -> tuple[str, int]:
    """Which sample the input of a number spoils: all of them in turn, and the number within it."""
    names = [sample.name for sample in samples()]
    return names[number % len(names)], seed * 10_000_000 + number // len(names)


def read_one(name: str, number: int, folder: Path) -> str:
    """``read`` or ``refused``, or the name and message of what must not have happened."""
    sample = next(s for s in samples() if s.name == name)
    edits = random_edits(random.Random(f"{name}/{number}"))
    try:
        return outcome(sample, edits, folder, skip_bad=number % 2 == 0)
    except MemoryError as error:
        return f"memory: {error}"
    except Exception as error:  # noqa: BLE001 - any is what is looked for
        return f"crash: {type(error).__name__}: {str(error)[:300]}"


def work(memory: int) -> None:
    """Read inputs named on stdin, a line each; answer with a line each."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")
    samples()
    print("ready", flush=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for line in sys.stdin:
            name, number = json.loads(line)
            answer = read_one(name, number, Path(folder) / "input")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(json.dumps([answer, peak]), flush=True)


class Worker:
    """A process that reads one input after the other, and is replaced when it dies or hangs."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--worker", str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.answers.readline()  # it is ready: its start is not the first input's time
        self.name, self.number, self.began = "", 0, 0.0

    @property
    def answers(self) -> IO[str]:
        """Where its answers come."""
        assert self._process.stdout is not None
        return self._process.stdout

    def give(self, name: str, number: int) -> None:
        """Name the next input."""
        assert self._process.stdin is not None
        self.name, self.number, self.began = name, number, time.monotonic()
        try:
            self._process.stdin.write(json.dumps([name, number]) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; its answer, an empty line, says so

    def answer(self) -> tuple[str, int]:
        """What came of the input, and the process's peak of memory in MB."""
        line = self.answers.readline()
        if line:
            result, peak = json.loads(line)
            return str(result), int(peak)
        status = self._process.wait()
        self._start()
        return f"died: exit status {status}", 0

    def hangs(self) -> str:
        """End it, and start another."""
        self._process.kill()
        self._process.wait()
        seconds = time.monotonic() - self.began
        self._start()
        return f"hang: {seconds:.0f} s"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Tally:
    """Outcomes for each reader, and the inputs that failed."""

    def __init__(self, earlier: dict[str, Any]) -> None:
        self.outcomes: dict[str, Counter[str]] = {
            name: Counter(counts) for name, counts in earlier.get("outcomes", {}).items()
        }
        self.failures: list[dict[str, Any]] = list(earlier.get("failures", []))
        self.next_number = int(earlier.get("next", 0))
        self.peak = int(earlier.get("peak_mb", 0))
        self.slowest = float(earlier.get("slowest_seconds", 0))
        self.seconds = float(earlier.get("seconds", 0))

    def add(self, name: str, number: int, result: str, seconds: float) -> None:
        """Count one outcome."""
        self.outcomes.setdefault(name, Counter())[result.partition(":")[0]] += 1
        self.slowest = max(self.slowest, seconds)
        if result not in ("read", "refused"):
            print(f"{name} {number}: {result}", flush=True)
            if len(self.failures) < MAX_KEPT:
                self.failures.append({"sample": name, "number": number, "result": result})

    def results(self, options: argparse.Namespace) -> dict[str, Any]:
        """What the report says."""
        totals: Counter[str] = sum(self.outcomes.values(), Counter())
        return {
            "seed": options.seed,
            "next": self.next_number,
            "inputs": sum(totals.values()),
            "totals": dict(totals),
            "memory_limit_mb": options.memory,
            "peak_mb": self.peak,
            "seconds_limit": options.seconds,
            "slowest_seconds": round(self.slowest, 2),
            "seconds": round(self.seconds, 1),
            "outcomes": {name: dict(counts) for name, counts in sorted(self.outcomes.items())},
            "failures": self.failures,
        }


def fuzz(options: argparse.Namespace, tally: Tally) -> None:
    """Read inputs until ``--count`` of them are done, the report saved from time to time."""
    workers = [Worker(options.memory * 2**20) for _ in range(options.workers)]
    began, before, unsaved = time.monotonic(), tally.seconds, 0
    idle, busy = list(workers), list[Worker]()
    try:
        while tally.next_number < options.count or busy:
            while idle and tally.next_number < options.count and unsaved < SAVE_EVERY:
                worker = idle.pop()
                worker.give(*plan(tally.next_number, options.seed))
                busy.append(worker)
                tally.next_number += 1
                unsaved += 1
            ready, _, _ = select.select([w.answers for w in busy], [], [], 1.0)
            for worker in list(busy):
                name, number, seconds = worker.name, worker.number, time.monotonic() - worker.began
                if worker.answers in ready:
                    result, peak = worker.answer()
                    tally.peak = max(tally.peak, peak)
                elif seconds > options.seconds:
                    result = worker.hangs()
                else:
                    continue
                tally.add(name, number, result, seconds)
                busy.remove(worker)
                idle.append(worker)
            if unsaved >= SAVE_EVERY and not busy:  # every number below the next is done
                unsaved = 0
                tally.seconds = before + time.monotonic() - began
                write_report("fuzz-readers", " ".join(sys.argv), tally.results(options))
    finally:
        for worker in workers:
            worker.close()
    tally.seconds = before + time.monotonic() - began


def main() -> None:
    """Fuzz, or show one input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=int, default=2048, help="MB of address space a worker")
    parser.add_argument("--seconds", type=float, default=20, help="limit of one input")
    parser.add_argument("--resume", type=Path, help="a report to go on from")
    parser.add_argument("--show", nargs=2, metavar=("SAMPLE", "NUMBER"))
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return
    if options.show:
        name, number = options.show[0], int(options.show[1])
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        print(random_edits(random.Random(f"{name}/{number}")))
        print(read_one(name, number, folder / "input"), folder / "input", sep="\n")
        return
    earlier: dict[str, Any] = {}
    if options.resume:
        earlier = json.loads(options.resume.read_text())["results"]
        options.seed = earlier["seed"]
    tally = Tally(earlier)
    fuzz(options, tally)
    write_report("fuzz-readers", " ".join(sys.argv), tally.results(options))
    print(json.dumps(tally.results(options)["totals"]))


if __name__ == "__main__":
    main()
