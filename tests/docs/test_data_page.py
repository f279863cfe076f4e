"""Each small tree and table of docs/data.md is read as the page says."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dressform.core.errors import DataError
from dressform.data.source import load_data

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
_BLOCK = re.compile(r"^```text (tree|(?P<file>\S+\.csv))\n(?P<body>.*?)^```$", re.M | re.S)
_SAYS = re.compile(r"^(Read as|Refused): (.+)\.$", re.M)


def examples() -> list[tuple[str, list[re.Match[str]], re.Match[str]]]:
    """Heading, blocks, and what the page says about them."""
    text = PAGE.read_text(encoding="utf-8")
    found: list[tuple[str, list[re.Match[str]], re.Match[str]]] = []
    blocks: list[re.Match[str]] = []
    for match in sorted([*_BLOCK.finditer(text), *_SAYS.finditer(text)], key=lambda m: m.start()):
        if match.re is _BLOCK:
            blocks.append(match)
        else:
            heading = text.rfind("\n## ", 0, match.start())
            title = text[heading:].split("\n")[1].removeprefix("## ")
            found.append((f"{title} {len(found)}", blocks, match))
            blocks = []
    assert not blocks, "a block that the page says nothing about"
    return found


def build(folder: Path, blocks: list[re.Match[str]]) -> Path:
    """Write the files of the blocks; the root of the first."""
    random = np.random.default_rng(0)
    roots = []
    for block in blocks:
        if block["file"]:
            path = folder / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["body"])
            roots.append(block["file"].split("/")[0])
            continue
        levels: list[tuple[int, Path]] = [(-1, folder)]
        for line in block["body"].splitlines():
            indent = len(line) - len(line.lstrip())
            while levels[-1][0] >= indent:
                levels.pop()
            words = line.split()
            here = levels[-1][1]
            if words[0].endswith("/"):
                here = here / words.pop(0)
                here.mkdir(parents=True)
                levels.append((indent, here))
                roots += [here.name] if indent == 0 else []
            for name in words:
                write(here / name, random)
    return folder / roots[0]


def write(path: Path, random: np.random.Generator) -> None:
    if path.name.startswith("._") or path.suffix in (".db", ".txt"):
        path.write_bytes(b"not an image")
        return
    form = {".jfif": "JPEG", ".jpg": "JPEG", ".tif": "TIFF"}.get(path.suffix.lower())
    pixels = random.integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, form or path.suffix[1:].upper())


@pytest.mark.parametrize(("title", "blocks", "says"), examples(), ids=lambda x: str(x)[:40])
def test_the_page_is_right(
    title: str, blocks: list[re.Match[str]], says: re.Match[str], tmp_path: Path
) -> None:
    source = build(tmp_path, blocks)
    if says[1] == "Refused":
        with pytest.raises(DataError, match=says[2]):
            load_data(source)
        return
    names, _, counts = says[2].partition("; ")
    data = load_data(source)
    assert ", ".join(data.class_names) == names
    assert ", ".join(f"{len(dataset)} {split}" for split, dataset in data) == counts


def test_the_page_has_examples() -> None:
    assert len(examples()) >= 9
