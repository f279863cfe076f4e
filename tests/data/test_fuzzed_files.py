"""Whatever a file contains, it is read or refused in one line; a bad image ends nothing else."""

from pathlib import Path

import pytest
from fuzz_samples import repaired_png, samples
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mutations import EDIT_KINDS, TOKENS, Edit, apply, outcome

SAMPLES = {sample.name: sample for sample in samples()}
EDITS = st.lists(
    st.builds(
        Edit,
        kind=st.sampled_from(EDIT_KINDS),
        place=st.floats(0, 1) | st.floats(0, 0.05),
        size=st.integers(1, 64),
        data=st.binary(min_size=1, max_size=16) | st.sampled_from(TOKENS),
    ),
    min_size=1,
    max_size=5,
).map(tuple)


@pytest.mark.parametrize("name", SAMPLES)
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=EDITS, skip_bad=st.booleans())
def test_a_spoiled_file_is_read_or_refused(
    name: str, edits: tuple[Edit, ...], skip_bad: bool, tmp_path: Path
) -> None:
    assert outcome(SAMPLES[name], edits, tmp_path / "input", skip_bad=skip_bad) in (
        "read",
        "refused",
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_itself_is_read(name: str, tmp_path: Path) -> None:
    """Without an edit: what the edits spoil was good, and both ways of reading it agree."""
    assert outcome(SAMPLES[name], (), tmp_path / "input", skip_bad=False) == "read"
    assert outcome(SAMPLES[name], (), tmp_path / "input", skip_bad=True) == "read"


def test_edits() -> None:
    content = bytes(range(10))
    assert apply(content, (Edit("cut", 0.5),)) == content[:5]
    assert apply(content, (Edit("insert", 0.0, data=b"ab"),)) == b"ab" + content
    assert apply(content, (Edit("delete", 0.2, 3),)) == content[:2] + content[5:]
    assert apply(content, (Edit("flip", 0.0, data=b"\1"),)) == b"\2" + content[1:]
    assert apply(content, (Edit("set", 0.9, data=b"x"),)) == content[:9] + b"x"
    assert apply(content, (Edit("zeros", 0.8, 64),)) == content[:8] + bytes(2)
    assert apply(content, (Edit("repeat", 0.0, 2),)) == content[:2] * 3 + content
    assert apply(content, (Edit("number", 0.0, data=b"\7"),)) == b"\xff" * 4 + content[4:]
    for kind in EDIT_KINDS:
        assert isinstance(apply(b"", (Edit(kind, 1.0, 9, b"ab"),) * 2), bytes)


def test_a_png_is_repaired() -> None:
    png = SAMPLES["image plain.png"].content
    broken = png[:20] + b"\7" + png[21:]
    assert repaired_png(broken) != broken
    assert repaired_png(png) == png
