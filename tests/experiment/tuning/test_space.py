"""The grammar of --space: what it means, and every way in which it is refused."""

import pytest

from dressform.core.config import override
from dressform.core.errors import ConfigError
from dressform.experiment.tuning.space import Choice, Dimension, Range, read_space
from dressform.recipes import find_recipe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "optim.lr=log:1e-4:1e-1",
            Range(path="optim.lr", text="log:1e-4:1e-1", low=1e-4, high=0.1, log=True),
        ),
        (
            " optim.momentum = 0.5:0.9 ",
            Range(path="optim.momentum", text="0.5:0.9", low=0.5, high=0.9),
        ),
        (
            "batch_size=log:32:512",
            Range(path="batch_size", text="log:32:512", low=32, high=512, log=True),
        ),
        (
            "augment.shift=0:0.5:0.1",
            Range(path="augment.shift", text="0:0.5:0.1", low=0.0, high=0.5, step=0.1),
        ),
        ("epochs=2:8:3", Range(path="epochs", text="2:8:3", low=2, high=8, step=3)),
        ("schedule.decay=0:1", Range(path="schedule.decay", text="0:1", low=0.0, high=1.0)),
        ("batch_size=64,128", Choice(path="batch_size", text="64,128", values=(64, 128))),
        (
            "schedule.decay=none,0.5",
            Choice(path="schedule.decay", text="none,0.5", values=("none", 0.5)),
        ),
        (
            "optim.nesterov=true,false",
            Choice(path="optim.nesterov", text="true,false", values=("true", "false")),
        ),
        (
            "schedule.kind=linear, cosine",
            Choice(path="schedule.kind", text="linear, cosine", values=("linear", "cosine")),
        ),
        ("model.widths=8;8,16", Choice(path="model.widths", text="8;8,16", values=("8", "8,16"))),
    ],
)
def test_every_form(text: str, expected: Dimension) -> None:
    recipe = find_recipe("fast")
    (found,) = read_space([text], recipe)
    assert found == expected
    assert {type(value) for value in found.extremes} == {type(value) for value in expected.extremes}
    for value in found.extremes:
        assert override(recipe, [f"{found.path}={value}"])


def test_dimensions_are_sorted() -> None:
    texts = ["optim.lr=log:1e-4:1e-1", "batch_size=50,100"]
    assert read_space(texts, find_recipe("fast")) == read_space(texts[::-1], find_recipe("fast"))
    assert [d.path for d in read_space(texts, find_recipe("fast"))] == ["batch_size", "optim.lr"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], r"no space= is given, so there is nothing to tune; write path=log:LOW:HIGH"),
        (
            ["optim.lr"],
            r"'optim.lr' is not a dimension; write path=log:LOW:HIGH, path=LOW:HIGH or path=a,b,c",
        ),
        (["=1:2"], r"'=1:2' is not a dimension"),
        (["optim.lr="], r"'optim.lr=' is not a dimension"),
        (["optim.rl=0.1,0.2"], r"unknown setting 'optim.rl'; did you mean optim.lr"),
        (["optim.rl=log:0.1:0.2"], r"unknown setting 'optim.rl'; did you mean optim.lr"),
        (["optim=1,2"], r"optim is a group of settings; set one of optim.kind"),
        (
            ["schedule.kind=linear,cosin"],
            r"unknown value 'cosin' of schedule.kind; did you mean cosine",
        ),
        (["optim.lr=log:low:1"], r"optim.lr must be a number, not 'low'"),
        (["optim.lr=0.1:1e4"], r"optim.lr is 10000.0; allowed: above 0, to 1000"),
        (["optim.lr=0:1"], r"optim.lr is 0.0; allowed: above 0, to 1000"),
        (["epochs=1.5:3"], r"epochs must be a whole number, not '1.5'"),
        (
            ["model.widths=8,0"],
            r"model.widths is \(0,\); allowed: one or more positive whole numbers",
        ),
        (["optim.kind=0:1"], r"unknown value '0' of optim.kind"),
        (
            ["model.widths=8:16"],
            r"model.widths is not a single number, so it has no range; write choices, such as",
        ),
        (["optim.lr=1:2:3:4"], r"optim.lr=1:2:3:4 is not a range; write optim.lr=log:LOW:HIGH"),
        (["optim.lr=log:1:2:3"], r"optim.lr=log:1:2:3 is not a range"),
        (["optim.lr=log:1"], r"optim.lr=log:1 is not a range"),
        (["optim.lr=0.2:0.1"], r"optim.lr goes from 0.2 to 0.1; allowed: LOW below HIGH"),
        (["optim.lr=0.1:0.1"], r"optim.lr goes from 0.1 to 0.1; allowed: LOW below HIGH"),
        (
            ["optim.weight_decay=log:0:1"],
            r"optim.weight_decay goes from 0 in its logarithm; allowed: LOW above 0",
        ),
        (["epochs=2:8:0.5"], r"the step of epochs is '0.5'; allowed: a whole number above 0"),
        (["augment.shift=0:0.5:x"], r"the step of augment.shift is 'x'; allowed: a number above 0"),
        (["augment.shift=0:0.5:nan"], r"augment.shift does not go from 0.0 to 0.5 in steps of nan"),
        (
            ["augment.shift=0:0.5:-0.1"],
            r"augment.shift does not go from 0.0 to 0.5 in steps of -0.1; change HIGH or STEP",
        ),
        (["augment.shift=0:0.5:0.2"], r"augment.shift does not go from 0.0 to 0.5 in steps of 0.2"),
        (
            ["epochs=3"],
            r"epochs has one choice only \(3\); give two or more, or fix it with "
            r"settings=\['epochs=3'\]",
        ),
        (["epochs=3,"], r"epochs has one choice only"),
        (["optim.lr=0.1,0.10"], r"optim.lr has the choice 0.10 twice; give each value once"),
        (
            ["epochs=1,2", "epochs=1:3"],
            r"epochs is given twice \(1,2 and 1:3\); give one range for each setting",
        ),
        (
            ["validation_fraction=0.1,0.2"],
            r"validation_fraction cannot be tuned: trials are compared on the same validation "
            r"images",
        ),
        (["split_seed=0:9"], r"split_seed cannot be tuned"),
    ],
)
def test_refusals(texts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_space(texts, find_recipe("fast"))
    assert "\n" not in str(caught.value)
