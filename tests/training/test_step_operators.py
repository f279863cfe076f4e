import json

from tests.training.step_operators import GOLDEN, measured


def test_a_step_of_fast_copies_and_casts_no_more_than_it_did() -> None:
    """Operators, not seconds. After a change that is meant: python -m tests.training.step_operators."""
    golden, now = json.loads(GOLDEN.read_text()), measured()
    assert now["all"] > 50
    assert {name: count for name, count in now.items() if count > golden[name]} == {}
