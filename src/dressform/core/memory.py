"""How much memory a process may still take."""

from pathlib import Path


def available_bytes() -> int | None:
    """Bytes that the system can give without swapping; None where it does not tell (only Linux
    does).
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return None
