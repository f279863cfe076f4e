"""Numbers as people read them, the same everywhere: percentages, durations, thousands."""


def percent(fraction: float | None, decimals: int = 2) -> str:
    """A fraction 0..1 as ``93.40 %``, or ``-`` for None."""
    return "-" if fraction is None else f"{100 * fraction:.{decimals}f} %"


def percent_range(low: float, high: float, decimals: int = 2) -> str:
    """Two fractions 0..1 in percent as ``92.90 to 93.87``, for text that names the unit."""
    return f"{100 * low:.{decimals}f} to {100 * high:.{decimals}f}"


def points(difference: float) -> str:
    """A difference of fractions as ``1.09 points``."""
    return f"{100 * difference:.2f} points"


def time_left(seconds: float) -> str:
    """An estimate as ``18 s left`` or ``1:38 min left``."""
    return f"{round(seconds)} s left" if round(seconds) < 60 else f"{duration(seconds)} left"


def duration(seconds: float) -> str:
    """``11.8 s`` below a minute, ``1:38 min`` below an hour, ``2:05 h`` above."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    big, small, unit = (
        (*divmod(round(seconds), 60), "min")
        if round(seconds) < 3600
        else (*divmod(round(seconds / 60), 60), "h")
    )
    return f"{big:,}:{small:02d} {unit}"
