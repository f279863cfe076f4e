"""The rules of docs/architecture.md that can be checked."""

import ast
import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "dressform").rglob("*.py"))
TEXTS = [
    p
    for p in (
        *SOURCES,
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    )
    if p.is_file()
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT / "src").as_posix())
def test_a_file_has_a_docstring_and_the_name_of_a_thing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert path.stem not in {"utils", "helpers", "misc", "manager", "handler", "common"}


def test_no_pickle_is_written_or_read() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) (pickle|joblib|dill|cloudpickle)\b", text, re.M), (
            path
        )
        assert not re.search(r"(?<!safetensors\.)torch\.(load|save)\(|allow_pickle=True", text), (
            path
        )


def test_commands_shown_in_the_readme_exist() -> None:
    from dressform.cli.main import create_app
    from dressform.recipes import RECIPES

    known = {c.callback.__name__ for c in create_app().registered_commands if c.callback} | {
        "data",
        "runs",
    }
    shown = re.findall(
        r"^(?:\.venv/bin/)?dressform (\w+)(?: (\S+))?", (ROOT / "README.md").read_text(), re.M
    )
    assert len(shown) >= 8
    for command, argument in shown:
        assert command in known
        if command == "train" and argument and ".py:" not in argument:
            assert argument in (*RECIPES.names, "auto")


def test_pictures_and_files_that_the_texts_link_to_exist() -> None:
    for path in (p for p in TEXTS if p.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:")):
                assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_readme_is_short() -> None:
    """A stranger understands it in three minutes; its code runs in tests/docs."""
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) <= 200
    block = re.search(r"```python\n(.*?)```", readme, re.S)
    assert block
    assert len([line for line in block[1].splitlines() if line.strip()]) <= 6


def test_the_pages_tables_are_those_of_the_measurements() -> None:
    """After a measurement: python benchmarks/tables.py."""
    import tables
    from recipe_tables import OWN_SCORES, own_scores

    assert json.loads(OWN_SCORES.read_text()) == own_scores()
    for page in tables.PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert tables.filled(text) == text, page


def test_every_setting_is_documented() -> None:
    from dressform.recipes import find_recipe

    recipe = find_recipe("fast")
    names = set()
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        inner = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        names |= {f"{field.name}.{f.name}" for f in inner} or {field.name}
    shown = set(
        re.findall(
            r"^\| `([\w.]+)` \|", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.M
        )
    )
    assert shown == {name for name in names if name != "name" and not name.startswith("model")}


def test_files_of_fashion_mnist_are_in_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "data"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert listed.count("-ubyte.gz") == 4
    assert "data/fashion-mnist/LICENSE" in listed


def test_all_that_is_installed_is_pinned() -> None:
    """Besides pip and what is ours; in an environment that `make` made."""
    from importlib import metadata

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    pinned = {plain(name): version for name, version in pins.items()}
    assert len(pinned) == len(pins)
    if (Path(sys.prefix) / "dev.stamp").exists():
        found = {
            plain(d.metadata["Name"]): d.version.split("+")[0] for d in metadata.distributions()
        }
        ours = {"pip", "dressform"}
        assert {n: v for n, v in found.items() if n not in ours and pinned.get(n) != v} == {}


def test_the_texts_name_every_command_that_looks_at_test() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    # by the report's function
    calls = re.findall(
        r'note_(?:test_)?look\([^)]*what="(\w+)"'
        r'|_prediction_set\(\w+, source, "(\w+)"\)',
        sources,
    )
    commands = {name for call in calls for name in call if name} | {"explore"}
    for page in ("architecture.md", "evaluation.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        sentence = next(
            part for part in text.split("\n\n") if "test-ledger.jsonl" in part and " add" in part
        )
        line = re.search(r"(?:`\w+`,? ?(?:and |or )?)+ adds? a", sentence)
        assert line, page
        assert set(re.findall(r"`(\w+)`", line[0])) == commands
