import json

import pytest
import torch

from tests.training.step_operators import COUNTED, GOLDEN, measured


@pytest.mark.parametrize("precision", COUNTED)
def test_a_step_of_fast_copies_and_casts_no_more_than_it_did(precision: str) -> None:
    """Operators, not seconds. After a change that is meant: python -m
    tests.training.step_operators.
    """
    if precision == "bfloat16" and not torch.cpu.get_capabilities().get("avx512_bf16"):
        pytest.skip("torch has other operators for bfloat16 on this processor")
    golden, now = json.loads(GOLDEN.read_text())[precision], measured(precision)
    assert now["all"] > 50
    assert {name: count for name, count in now.items() if count > golden[name]} == {}
