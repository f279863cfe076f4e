"""Guides that keep the code readable: few parameters, short files, typed documents."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import SLOW

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "dressform"
SOURCES = sorted(PACKAGE.rglob("*.py"))

MAX_PARAMETERS = 7
MANY_PARAMETERS = {
    "exploration/doctor.py:_finding": "the columns of one row of review.json",
}
"""Functions with more, by file and name, each with its reason."""

MAX_LINES = 400
LONG_FILES = {
    "tests/data/test_strange_listings.py": "one listing, written in every way",
    "tests/runs/test_runs.py": "one run directory, damaged in every way",
}
"""Longer files, each with its reason."""

MAX_UNTYPED_DOCUMENTS = 45
"""Times that ``dict[str, Any]`` stands in src. Lower it with each that gets a type; never raise it.
"""

NOT_OF_A_PACKAGE = {
    "benchmarks": "measurements",
    "browser": "pages in Chromium",
    "docs": "the documentation",
    "golden": "expected output",
    "gpu": "what needs a GPU",
    "house": "rules for the code",
    "strangers": "files from elsewhere that want to do harm",
}
"""Folders of tests for more than one package of src."""


def _public(path: Path) -> bool:
    """The calls, commands and routes whose keywords are options of a person."""
    return path.parent.name in ("workbench", "cli", "http") or path == PACKAGE / "__init__.py"


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def _functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(PACKAGE).as_posix()}:{node.name}", node


def test_functions_below_the_public_calls_take_few_parameters() -> None:
    many = {
        name
        for path in SOURCES
        for name, function in _functions(path)
        if _parameters(function) > MAX_PARAMETERS
        and not (_public(path) and not function.name.startswith("_"))
    }
    assert many == MANY_PARAMETERS.keys()


def test_parameters_are_counted_without_self() -> None:
    (tree,) = ast.parse("def f(self, a, /, b, *c, d, **e): ...").body
    assert isinstance(tree, ast.FunctionDef)
    assert _parameters(tree) == 3


def test_files_are_short() -> None:
    files = [
        *SOURCES,
        *(ROOT / "tests").rglob("*.py"),
        *(path for path in (PACKAGE / "web").rglob("*.js") if "onnxruntime" not in path.parts),
    ]
    long = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }
    assert long == LONG_FILES.keys()


def test_documents_have_types() -> None:
    found = sum(path.read_text(encoding="utf-8").count("dict[str, Any]") for path in SOURCES)
    assert found <= MAX_UNTYPED_DOCUMENTS


def _packages(root: Path) -> set[str]:
    """Folders with Python files, as paths below ``root``."""
    return {path.parent.relative_to(root).as_posix() for path in root.rglob("*.py")} - {"."}


def test_tests_mirror_src() -> None:
    tests = {
        name for name in _packages(ROOT / "tests") if name.split("/")[0] not in NOT_OF_A_PACKAGE
    }
    sources = _packages(PACKAGE)
    assert tests - sources <= {"web"}, "a folder of tests without its package"
    # tested through the reports that they are for, every upgrade of a database, and the service
    untested = {name.rpartition("/")[2] for name in sources - tests}
    assert untested == {"client", "figures", "page", "versions"}


def test_what_is_named_as_slow_is_there() -> None:
    assert [name for name in SLOW if not (ROOT / "tests" / name).exists()] == []


def test_no_test_sets_the_time_of_the_whole_process() -> None:
    """Servers of other tests wait by it in their threads: see tests/clocks.py."""
    pattern = re.compile(r"setattr\(\s*(time\b|\"time\.)|patch\(\"time\.")
    setting = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__) and pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert setting == []
