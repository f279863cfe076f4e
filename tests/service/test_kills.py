"""A service whose processes are killed at random moments loses nothing that it acknowledged."""

from pathlib import Path

import pytest
from service_kills import knock

from dressform.runs.run import Run
from dressform.service.settings import ServiceSettings


@pytest.mark.parametrize("settings", ["sqlite", "postgresql"], indirect=True)
def test_a_few_kills(
    settings: ServiceSettings, request: pytest.FixtureRequest, tiny_run: Run, tmp_path: Path
) -> None:
    """benchmarks/service_kills.py kills a hundred times."""
    url = None
    if settings.database is not None:
        url = request.getfixturevalue("cluster").new_database()
    counts = knock(tiny_run.path, kills=2, db=url, seed=1, folder=tmp_path)
    assert counts["uploads"] >= 12
    assert sum(count for what, count in counts.items() if what.startswith("killed")) == 2
