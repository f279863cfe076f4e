"""What the pages show: their blocks of code, and how each is run."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dressform.core.config import digest
from dressform.recipes import find_recipe
from tests.cli.command import dressform_command

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
NOT_TESTED = "# not run by the tests: "
"""Starts the comment of a command that is not run; the reason follows, for the reader too."""

SLICE = "small.npz"
"""In place of the whole dataset."""

QUICK = {"fast", "simple-dense"}
"""Recipes that are trained as they are; the others for one epoch."""

METHODS = ["pca", "tsne"]
"""Of projection: UMAP is compiled for half a minute in each process."""

_FENCE = re.compile(
    r"^(?P<ticks>`{3,})(?P<language>\S*)[^\n]*\n(?P<code>.*?)^(?P=ticks)$", re.M | re.S
)
_RUN = re.compile(r"runs/(?P<data>[\w-]+)/(?P<recipe>[\w-]+?)-(?P<digest>[0-9a-f]{8})\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: where it stands, relative to the repository.
        line: of its first line of code.
        language: ``sh``, ``python``, or one that is not run.
        code: as it is shown.
    """

    page: str
    line: int
    language: str
    code: str

    @property
    def place(self) -> str:
        """``docs/start.md:12``."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page.relative_to(ROOT).as_posix(),
            text[: match.start("code")].count("\n") + 1,
            match["language"],
            match["code"],
        )
        for match in _FENCE.finditer(text)
    ]


def commands(block: Block) -> Iterator[str]:
    """The commands of a block of shell, one a line; a backslash joins lines."""
    for line in block.code.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def check_digests(text: str) -> None:
    """A run's folder that a page names has today's digest of its recipe."""
    for match in _RUN.finditer(text):
        today = digest(find_recipe(match["recipe"]))
        assert match["digest"] == today, f"{match[0]} is {match['recipe']}-{today} now"


@dataclass
class Reader:
    """Does what a page says, from top to bottom, in a folder of its own."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    child: "subprocess.Popen[str] | None" = None

    def do(self, block: Block) -> None:
        """Run a block; its folder is the working directory."""
        check_digests(block.code)
        if block.language == "python":
            code = self._here(block.code).replace('"fashion-mnist"', f'"{SLICE}"')
            self._python(
                code.replace("df.explore(run, ", f"df.explore(run, methods={METHODS}, "), block
            )
            return
        for command in commands(block):
            name, _, value = command.partition("=")
            if name.isupper() and value:
                self.variables[name] = self._here(value)
            elif NOT_TESTED in command:
                shown, _, reason = command.partition(NOT_TESTED)
                assert reason.strip(), f"{block.place}: {command} has no reason"
                self._parse(shlex.split(shown), block)
            else:
                self.run(self._words(command), block)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        if self.child is not None:
            self.child.communicate()

    def _python(self, code: str, block: Block) -> None:
        """In a process of the page's own, as a reader would have it."""
        if self.child is None:
            self.child = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("child.py"))],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(json.dumps([code, block.place]) + "\n")
        self.child.stdin.flush()
        fault = json.loads(self.child.stdout.readline())
        assert fault is None, f"{block.place}\n{fault}"

    def run(self, words: list[str], block: Block) -> None:
        """Run a command of dressform's."""
        assert words[0] == "dressform", f"{block.place}: {words[0]} needs '{NOT_TESTED}reason'"
        done = dressform_command(*_smaller(words[1:]), cwd=self.folder, warnings="default")
        assert done.returncode == 0, f"{block.place}: {shlex.join(words)}\n{done.stderr}"
        if words[1:3] == ["data", "doctor"]:
            self._decide()

    def _decide(self) -> None:
        """Drop an image, as a reader does on the doctor's page, and save the review."""
        path = self.folder / "review.json"
        review = json.loads(path.read_text(encoding="utf-8"))
        next(one for one in review["findings"] if one["split"] == "train")["action"] = "drop"
        path.write_text(json.dumps(review), encoding="utf-8")

    def _parse(self, words: list[str], block: Block) -> None:
        """The command line knows the command and its options."""
        if words[0] == "dressform":
            done = dressform_command(*words[1:], "--help", cwd=self.folder, warnings="default")
            assert done.returncode == 0, f"{block.place}: {shlex.join(words)}\n{done.stderr}"

    def _words(self, command: str) -> list[str]:
        for name, value in self.variables.items():
            command = command.replace(f"${name}", value)
        words: list[str] = []
        for word in shlex.split(self._here(command), comments=True):
            paths = self._paths(word) if "*" in word else [word]
            assert len(paths) == 1, f"{word} is {paths}"
            words += paths
        return words

    def _here(self, text: str) -> str:
        """Digests of what was trained here, which may have had fewer epochs."""

        def here(match: re.Match[str]) -> str:
            folders = self._paths(f"runs/{match['data']}/{match['recipe']}-" + "[0-9a-f]" * 8)
            return folders[0] if len(folders) == 1 else match[0]

        return _RUN.sub(here, text.replace("runs/fashion-mnist", "runs/small"))

    def _paths(self, pattern: str) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob(pattern))


def _smaller(words: list[str]) -> list[str]:
    """A command on the slice, and for one epoch where a recipe takes long."""
    words = [SLICE if word == "fashion-mnist" else word for word in words]
    if words[0] in ("train", "crossval", "tune"):
        if "--data" not in words:
            words += ["--data", SLICE]
        if words[1] not in QUICK and not any(word.startswith("epochs=") for word in words):
            words += ["--set", "epochs=1"]
    if words[0] == "crossval":
        words += ["--workers", "1"]  # a process that need not import torch first
    if words[0] in ("report", "explore", "robustness") and "--data" not in words:
        words += ["--data", SLICE]  # a run that Python trained knows a name, and no file
    if words[0] == "explore" and "--methods" not in words:
        words += ["--methods", ",".join(METHODS)]
    return words
