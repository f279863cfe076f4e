"""One message, as Python says it and as a command says it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import typer

from dressform.cli.main import create_app
from dressform.cli.option_names import OptionNames

SOURCES = Path(__file__).parents[2] / "src" / "dressform"


def test_messages_name_the_options_of_the_running_command() -> None:
    group = typer.main.get_command(create_app())

    def same(command: str, message: str, translated: str) -> None:
        assert OptionNames(group, command.split())(message) == translated

    same(
        "train fast",
        "r exists; resume=True shows it, or choose another seed= or out=",
        "r exists; --resume shows it, or choose another --seed or --out",
    )
    same(
        "train fast",
        "lower it (settings=['optim.lr=0.01']), or settings=['precision=float32', 'epochs=3']",
        "lower it (--set optim.lr=0.01), or --set precision=float32 --set epochs=3",
    )
    same("train fast", "groups='(sku\\\\d+)_' keeps", '--groups "(sku\\d+)_" keeps')
    same("train fast", "(label_column) and skip_bad=True", "(--label-column) and --skip-bad")
    same(
        "evaluate m.onnx",
        "give scale='raw', mean=[0.1, 0.2], classes='a,b c', or std=0.5",
        'give --scale raw --mean 0.1,0.2 --classes "a,b c", or --std 0.5',
    )
    same(
        "train net.py:f",
        "fails with seed=1 (RuntimeError: Given groups=1, weight [8] (out=2)); set out=x",
        "fails with --seed 1 (RuntimeError: Given groups=1, weight [8] (out=2)); set --out x",
    )
    same("compare a b", "with repeats=10, resume=True", "with --repeats 10 --resume")
    same("predict a.png", "of model 1f photos=False", "of model 1f --no-photos")
    same("predict a.png", "such as model='runs/a b'", 'such as --model "runs/a b"')
    same("export r t", "x does not exist; change target=", "x does not exist; change TARGET")
    same("train", "seed is -1; allowed: 0 or more", "--seed is -1; allowed: 0 or more")
    for as_it_is in (
        "'min_count'",
        "photos/min_count.csv",
        "x/seed=3",
        "my_image_size",
        "out is empty",
        "batch_size=64",
        "train.seed=3",
    ):
        same("train fast", as_it_is, as_it_is)


def _texts() -> Iterator[tuple[str, str]]:
    """Where, and every text of the library that is no documentation; ``x`` for what is put in."""
    for path in SOURCES.rglob("*.py"):
        if path.is_relative_to(SOURCES / "cli"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
        inside = {
            id(part)
            for one in ast.walk(tree)
            if isinstance(one, ast.JoinedStr)
            for part in one.values
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [one.value if isinstance(one, ast.Constant) else "x" for one in node.values]
            elif isinstance(node, ast.Constant) and not {id(node)} & (documentation | inside):
                parts = [node.value]
            else:
                continue
            yield f"{path.relative_to(SOURCES)}:{node.lineno}", "".join(map(str, parts))


def test_the_library_spells_no_flags() -> None:
    """Flags stand in cli/ alone, and in commands that a person pastes into a shell."""
    flag = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
    in_a_sentence = re.compile(rf"\w[,;]? {flag.pattern}|{flag.pattern} [a-z]+ ")
    command = re.compile("dressform [a-z]+|style=|--image-size x|--set x")
    spelt = [
        f"{place}: {text}"
        for place, text in _texts()
        if in_a_sentence.search(text) and not command.search(text)
    ]
    assert spelt == []


def test_every_argument_in_a_message_is_an_option_of_some_command() -> None:
    python_alone = {"keep_prepared", "key", "x"}
    argument = re.compile(r"(?<![\w'\"/.<-])([a-z_]+)=(?=True|False|x?[ ;,).]|x?$|\[?')")
    names = OptionNames(typer.main.get_command(create_app()), []).names | python_alone
    strangers = {
        match[1]: place
        for place, text in _texts()
        for match in argument.finditer(text)
        if " " in text.strip() and match[1] not in names and "<" not in text
    }
    assert strangers == {}
