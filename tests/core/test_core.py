import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dressform.core import config, files
from dressform.core.errors import ConfigError, RunError, UnknownNameError, unknown_name
from dressform.core.files import exclusive, is_locked
from dressform.core.registry import Registry, is_file_reference, load_from_file
from dressform.core.rng import generator, stream_seed
from dressform.core.text import from_table_cell, is_number, table_cell


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.1
    widths: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "x"
    epochs: int = 5
    mode: Literal["a", "b"] = "a"
    on: bool = False
    limit: float | None = None
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        config.require(self.epochs > 0, "epochs", self.epochs, "above 0")


def test_override_converts_to_the_fields_types() -> None:
    found = config.override(
        Outer(),
        ["epochs=7", "mode=b", "on=true", "limit=2", "inner.rate=1e-3", "inner.widths=3,4,5"],
    )
    assert found == Outer(
        epochs=7, mode="b", on=True, limit=2.0, inner=Inner(rate=1e-3, widths=(3, 4, 5))
    )
    assert config.override(found, ["limit=none"]).limit is None


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epochs", "'epochs' is no setting with a value; write SETTING=VALUE"),
        ("=3", "is no setting with a value"),
        ("epoch=3", r"unknown setting 'epoch'; did you mean epochs\?"),
        ("real=3", "unknown setting 'real'; available: "),  # which every number has
        ("rate=3", r"unknown setting 'rate'; did you mean inner.rate\?"),
        ("inner.rat=3", r"unknown setting 'inner.rat'; did you mean inner.rate"),
        ("epochs=many", "epochs must be a whole number, not 'many'"),
        ("epochs=1.5", "epochs must be a whole number, not '1.5'"),
        ("epochs=0", "epochs is 0; allowed: above 0"),
        ("inner.rate=nan", "inner.rate must be a finite number"),
        ("inner.rate=high", "inner.rate must be a number, not 'high'"),
        ("mode=c", "unknown value 'c' of mode; .*available: a, b"),
        ("on=yes", "on must be true or false, not 'yes'"),
        ("inner=3", r"inner is a group of settings; set one of inner.rate, inner.widths"),
        ("epochs.x=3", r"epochs.x cannot be set: epochs is a single value"),
    ],
)
def test_override_refuses(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.override(Outer(), [assignment])


@dataclass(frozen=True, kw_only=True)
class Momentum:
    rate: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        config.require(self.rate > 0 or not self.nesterov, "nesterov", True, "false at rate 0")


def test_settings_that_go_together_may_come_in_any_order() -> None:
    for assignments in (["nesterov=true", "rate=0.9"], ["rate=0.9", "nesterov=true"]):
        assert config.override(Momentum(), assignments) == Momentum(rate=0.9, nesterov=True)
    with pytest.raises(ConfigError, match="nesterov is True; allowed: false at rate 0"):
        config.override(Momentum(), ["nesterov=true", "rate=0"])
    with pytest.raises(ConfigError, match="rate must be a number, not 'much'"):
        config.override(Momentum(), ["rate=much", "nesterov=true"])
    with pytest.raises(ConfigError, match="nesterov is True"):  # the last of one name counts
        config.override(Momentum(), ["nesterov=true", "nesterov=false", "rate=0.9"])


@dataclass(frozen=True, kw_only=True)
class Help:
    helper: "Chained"
    weight: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Both:
    left: int
    right: int


@dataclass(frozen=True, kw_only=True)
class Chained:
    size: int = 1
    pair: Both | None = None
    following: "Chained | None" = None
    help: Help | None = None


def named(name: str) -> Chained:
    return {"two": Chained(size=2), "three": Chained(size=3)}[name]


def test_override_by_name() -> None:
    def made(*assignments: str) -> Chained:
        return config.override(Chained(), assignments, named={Chained: named})

    assert made("following=two").following == Chained(size=2)
    assert made("following=two", "following.size=5").following == Chained(size=5)
    assert made("following=two", "following=three").following == Chained(size=3)
    assert made("following=two", "following=none").following is None
    assert made("help.helper=two").help == Help(helper=Chained(size=2))
    whole = made("help.helper=two", "help.weight=0.1", "help.helper.following=three")
    assert whole.help == Help(helper=Chained(size=2, following=Chained(size=3)), weight=0.1)
    assert made("help.helper=two", "help=None") == Chained()
    assert made("following.size=7").following == Chained(size=7), "it can do without the others"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "help.weight=1",
            "help.weight cannot be set: there is no help here; set help.helper first",
        ),
        ("help.helper.size=1", "there is no help here; set help.helper first"),
        ("help=two", r"help is a group of settings; set one of help.helper, help.weight"),
        ("help.no=two", "unknown setting 'help.no'; did you mean help.helper or help.weight"),
        ("help.wight=1", "unknown setting 'help.wight'; did you mean help.weight"),
    ],
)
def test_override_by_name_refuses(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.override(Chained(), [assignment], named={Chained: named})


def test_override_without_names_refuses_them() -> None:
    with pytest.raises(ConfigError, match="help.helper cannot be set from text"):
        config.override(Chained(), ["help.helper=two"])
    with pytest.raises(ConfigError, match="following is a group of settings"):
        config.override(Chained(), ["following=two"])
    with pytest.raises(ConfigError, match="there is no pair here; give one in a recipe file"):
        config.override(Chained(), ["pair.left=1"])


@given(st.integers(1, 10**9), st.floats(1e-9, 1e9))
def test_digest_tells_values_apart(epochs: int, rate: float) -> None:
    one = Outer(epochs=epochs, inner=Inner(rate=rate))
    assert config.digest(one) == config.digest(Outer(epochs=epochs, inner=Inner(rate=rate)))
    assert config.digest(one) != config.digest(Outer(epochs=epochs + 1, inner=Inner(rate=rate)))
    assert config.digest(one) != config.digest(one, "another file")


def test_unknown_name_lists_the_nearest() -> None:
    assert str(unknown_name("recipe", "fasst", ["fast", "slow"])) == (
        "unknown recipe 'fasst'; did you mean fast? available: fast, slow"
    )
    several = str(unknown_name("recipe", "fas", ["fast-95", "fast", "fast-93"]))
    assert "did you mean fast, fast-93 or fast-95?" in several
    assert "did you mean fast? " in str(unknown_name("recipe", "FAST", ["fast", "fast-93"]))
    settings = ["lr_scale", "optim.lr", "optim.sgd_lr", "epochs"]
    assert "did you mean optim.lr? " in str(unknown_name("setting", "lr", settings))


def test_assignments_are_stored_without_spaces() -> None:
    assert config.normalised(" epochs = 1 ") == "epochs=1"
    assert config.normalised("epochs") == "epochs"


def test_registry_imports_only_what_is_asked_for() -> None:
    registry = Registry("thing", {"join": "os.path:join", "absent": "no_such_module:x"})
    assert registry.names == ("join", "absent")
    assert registry.resolve("join") is os.path.join
    with pytest.raises(UnknownNameError, match="unknown thing 'joint'; did you mean join"):
        registry.resolve("joint")


def test_objects_in_a_users_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def recipe():\n    return 42\n")
    assert load_from_file(f"{path}:recipe")() == 42
    with pytest.raises(ConfigError, match=r"unknown function 'recipes' in .*; did you mean recipe"):
        load_from_file(f"{path}:recipes")
    path.write_text("1 / 0\n")
    with pytest.raises(
        ConfigError, match=r"mine.py failed with ZeroDivisionError: division by zero"
    ):
        load_from_file(f"{path}:recipe")
    with pytest.raises(ConfigError, match="is not a file; write path/to/file.py:recipe"):
        load_from_file(f"{tmp_path}/absent.py:recipe")
    assert is_file_reference("a/b.py:f")
    assert not is_file_reference("fast")


def test_streams_depend_on_seed_name_and_counter_only() -> None:
    assert stream_seed(0, "order", 3) == stream_seed(0, "order", 3) != stream_seed(0, "order", 4)
    assert stream_seed(0, "order", 3) != stream_seed(1, "order", 3)
    assert 0 <= stream_seed(7, "x") < 2**63
    assert generator(0, "a").random(3).tolist() == generator(0, "a").random(3).tolist()


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_text(path, "old")
    with pytest.raises(ZeroDivisionError):
        files.write_atomic(path, lambda file: (file.write(b"new"), 1 / 0))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_refuses_nan_and_reports_damage(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(RunError, match="is not a JSON document"):
        files.read_json(tmp_path / "a.json")
    files.write_json(tmp_path / "a.json", {"x": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}


def test_a_lock_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dressform.core.files import exclusive\n"
    )
    code += "with exclusive(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "l")], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match="another process is working on"),
            files.exclusive(tmp_path / "l"),
        ):
            pass
        assert other.poll() is None
        other.kill()
    with files.exclusive(tmp_path / "l"):
        pass


def test_looking_whether_a_lock_is_held_disturbs_nobody(tmp_path: Path) -> None:
    lock, stop = tmp_path / ".lock", threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_locked(lock)
            time.sleep(0.0005)

    assert not is_locked(lock)
    lock.touch()
    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        for _ in range(50):
            with exclusive(lock):
                assert is_locked(lock)
        stop.set()
        for one in looking:
            one.result()
    assert not is_locked(lock)


@given(st.text("'=-+@,;1 ab\t", max_size=6))
def test_a_cell_of_a_table_comes_back_as_it_was(text: str) -> None:
    cell = table_cell(text)
    assert from_table_cell(cell) == text
    assert is_number(cell) or not cell.startswith(("=", "+", "-", "@"))
