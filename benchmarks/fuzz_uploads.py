"""Spoiled uploads and ZIPs over HTTP, against a running service: no 5xx, no hang, no memory beyond
a bound.

    python benchmarks/fuzz_uploads.py RUN [--count 10000] [--seed 0] [--memory 800] [--show NUMBER
    FILE]

The service is started as an operator does, without workers; RUN, a finished run, is its model. Each
request is one of: a spoiled image as a raw body, as a part of a form, or to be predicted by the
NanoNets-compatible protocol; a ZIP of images with random bytes changed; a ZIP whose entries have
names such as ``../../evil.png``, are links, lie about their size, unpack to much more than they
are, or repeat each other's name; a damaged form. Every 500 requests an image is uploaded that has
to be taken. Request NUMBER is made again from the seed by ``--show``.
"""

import argparse
import io
import random
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fuzz_samples import samples
from mutations import apply, random_edits
from PIL import Image
from placed_model import place_model
from report import write_report
from service_process import family, service

from dressform.predict.model_folder import weights_folder
from dressform.service.database.connection import Database
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store

PATIENCE = 60.0
"""Seconds for an answer."""
SOUND_EVERY = 500
IMAGES = tuple(sample for sample in samples() if sample.name.startswith("image"))
NAMES = (
    "Hat/1.png",
    "../../evil.png",
    "/etc/evil.png",
    "C:\\evil.png",
    "Hat/..\\..\\evil.png",
    "Hat/" + "x/" * 200 + "deep.png",
    "Hat/" + "n" * 60_000 + ".png",
    "Hat/\x00.png",
    "Hat/\u202egnp.exe",
    "__MACOSX/Hat/._1.png",
    "Hat/1.svg",
    "Hat/1.html",
    "labels.csv",
    "",
    ".",
    "Hat/",
)


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        kind: for counting.
        path: below the project, or of the other protocol.
        body: whole.
        content_type: of the body.
        params: of the address.
    """

    kind: str
    path: str
    body: bytes
    content_type: str
    params: dict[str, str]


def image_of(chance: random.Random) -> bytes:
    """A spoiled image of some format."""
    sample = chance.choice(IMAGES)
    return sample.wrap(apply(sample.content, random_edits(chance)))


def sound_image(chance: random.Random) -> bytes:
    """An image that can be read."""
    pixels = np.frombuffer(chance.randbytes(16 * 16), np.uint8).reshape(16, 16)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def bomb_image(chance: random.Random) -> bytes:
    """A small PNG that says it is huge, with the right check sum."""
    side = chance.choice((9_000, 30_000, 2**31 - 1))
    head = struct.pack(">IIBBBBB", side, side, 8, chance.choice((0, 2, 6)), 0, 0, 0)
    data = zlib.compress(bytes(10**6), 9)

    def part(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", data) + part(b"IEND", b"")


def zip_of(chance: random.Random) -> bytes:
    """A ZIP with odd entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for _ in range(chance.choice((0, 1, 3, 8))):
            name = chance.choice(NAMES)
            content = chance.choice((sound_image, image_of, bomb_image))(chance)
            entry = zipfile.ZipInfo(name or "x")
            entry.filename = name
            entry.compress_type = chance.choice((0, 8, 8, 12, 14))
            entry.external_attr = chance.choice((0o100644, 0o120777, 0o010644, 0o060644)) << 16
            entry.flag_bits |= chance.choice((0, 0, 0, 1))
            if chance.random() < 0.1:
                content = bytes(chance.choice((10**6, 40 * 10**6)))
            archive.writestr(entry, content)
        if chance.random() < 0.2:
            archive.writestr(
                "labels.csv", chance.choice((b"image,label\n1.png,Hat\n", b"\xff\x00"))
            )
    return out.getvalue()


def spoiled_zip(chance: random.Random) -> bytes:
    """Bytes of a ZIP changed, sizes among them."""
    content = zip_of(chance)
    if chance.random() < 0.3 and (at := content.rfind(b"PK\x01\x02")) >= 0:
        lie = struct.pack("<L", chance.choice((0, 1, 100, 2**31, 2**32 - 1)))
        where = at + chance.choice((20, 24, 42))
        return content[:where] + lie + content[where + 4 :]
    return apply(content, random_edits(chance))


def form_of(chance: random.Random, fields: dict[str, str], contents: list[bytes]) -> bytes:
    """A form with files."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    for content in contents:
        name = chance.choice(NAMES).replace('"', "")[:2000]
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(f"{head}Content-Type: image/png\r\n\r\n".encode() + content)
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"


FORM = "multipart/form-data; boundary=edge"


def request_of(number: int, seed: int, model_id: str) -> Request:
    """The request with a number; the same for a seed whenever it is made."""
    chance = random.Random(f"{seed} {number}")
    label = {"label": chance.choice(("Hat", "Shoe", "New", "../x", "\u0000", "x" * 300))}
    which = chance.random()
    if which < 0.3:
        content = bomb_image(chance) if chance.random() < 0.05 else image_of(chance)
        return Request("image", "images", content, "application/octet-stream", label)
    if which < 0.4:
        contents = [image_of(chance) for _ in range(chance.choice((0, 1, 5)))]
        body = form_of(chance, {}, contents)
        params = {**label, "labels": chance.choice(("none", "folders"))}
        return Request("form", "images", body, FORM, params)
    if which < 0.5:
        body = apply(form_of(chance, {"x": "y"}, [sound_image(chance)]), random_edits(chance))
        return Request("spoiled form", "images", body, FORM, {})
    if which < 0.6:
        fields = {"modelId": model_id, "category": chance.choice(("Hat", "None", ""))}
        body = form_of(chance, fields, [image_of(chance) for _ in range(chance.choice((1, 3)))])
        path = chance.choice(("UploadFile/", "LabelFile/"))
        return Request("NanoNets", f"/api/v2/ImageCategorization/{path}", body, FORM, {})
    make = zip_of if which < 0.75 else spoiled_zip
    params = {"labels": chance.choice(("folders", "none"))}
    kind = "odd ZIP" if which < 0.75 else "spoiled ZIP"
    return Request(kind, "images/zip", make(chance), "application/zip", params)


def peak_mb(pid: int) -> float:
    """The most memory that a server and its prediction process have had, MB, each by itself."""
    peak = 0
    for one in family(pid):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                peak += int(line.split()[1])
    return peak / 2**10


def main() -> None:
    """Send everything, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--memory",
        type=float,
        default=800,
        help="MB that the server and its prediction process may have",
    )
    parser.add_argument("--show", nargs=2, metavar=("NUMBER", "FILE"))
    given = parser.parse_args()
    if given.show:
        found = request_of(int(given.show[0]), given.seed, "model")
        Path(given.show[1]).write_bytes(found.body)
        print(found.kind, found.path, found.params, f"{len(found.body):,} bytes")
        return
    warnings.filterwarnings("ignore", "Duplicate name")
    with tempfile.TemporaryDirectory() as folder:
        results = fuzz(Path(folder), given)
    command = f"python benchmarks/fuzz_uploads.py RUN --count {given.count} --seed {given.seed}"
    write_report("fuzz-uploads", f"{command} --memory {given.memory:g}", results)
    assert not results["wrong"], results["wrong"]


def fuzz(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """All requests against a service of its own."""
    counts, wrong, slowest = Counter[str](), list[str](), 0.0
    outside = folder / "outside"
    (outside / "in").mkdir(parents=True)
    with (
        service(folder / "outside" / "in" / "service", "--workers", "0") as running,
        httpx.Client(base_url=running.url, auth=(running.key, ""), timeout=PATIENCE) as client,
    ):
        begun = peak_mb(running.pid)
        facts = {"name": "fuzz", "classes": ["Hat", "Shoe"]}
        project = client.post("/api/v1/projects", json=facts).raise_for_status().json()["id"]
        base = f"/api/v1/projects/{project}/"
        store = Store(folder / "outside" / "in" / "service")
        database = Database(ServiceSettings(storage=store.root).database_url)
        place_model(database, store, project, weights_folder(given.run))
        database.close()
        for number in range(given.count):
            request = request_of(number, given.seed, project)
            path = request.path if request.path.startswith("/") else base + request.path
            began = time.monotonic()
            try:
                answer = client.post(
                    path,
                    content=request.body,
                    headers={"Content-Type": request.content_type},
                    params=request.params,
                )
            except httpx.HTTPError as error:
                wrong.append(f"{number} {request.kind}: {type(error).__name__}")
                continue
            slowest = max(slowest, time.monotonic() - began)
            counts[f"{request.kind}: {answer.status_code}"] += 1
            if reason := unfit(answer, folder):
                wrong.append(f"{number} {request.kind}: {answer.status_code} {reason}")
            if number % SOUND_EVERY == 0:
                sound(client, base, random.Random(number))
                print(f"{number:,} {peak_mb(running.pid):.0f} MB", file=sys.stderr, flush=True)
            assert len(wrong) < 100, wrong
        peak = peak_mb(running.pid)
        total = client.get(base.rstrip("/")).json()["images"]
        left = [path.name for path in (folder / "outside/in/service/tmp").iterdir()]
    found = {path.name for path in folder.rglob("*evil*")} | {
        path.name for path in outside.iterdir()
    } - {"in"}
    if peak > given.memory:
        wrong.append(f"{peak:.0f} MB of memory, allowed: {given.memory:g}")
    if left or found:
        wrong.append(f"files are left: {[*left, *found][:5]}")
    return {
        "n": given.count,
        "answers": dict(sorted(counts.items())),
        "wrong": wrong,
        "slowest_seconds": round(slowest, 2),
        "memory_mb": {"at_start": round(begun), "at_most": round(peak), "allowed": given.memory},
        "images_kept": total,
    }


def unfit(answer: httpx.Response, folder: Path) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if answer.status_code >= 500:
        return answer.text[:200]
    if str(folder) in answer.text:
        return "tells a path of the server"
    try:
        document = answer.json()
    except ValueError:
        # The parser of HTTP itself refuses what is no HTTP.
        return "" if answer.text == "Invalid HTTP request received." else "is no JSON"
    error = document.get("error") or document.get("message") or ""
    return "" if "\n" not in str(error) else "has an error of several lines"


def sound(client: httpx.Client, base: str, chance: random.Random) -> None:
    """An image that the service has to take."""
    answer = client.post(f"{base}images", content=sound_image(chance))
    assert answer.status_code in (200, 201), answer.text


if __name__ == "__main__":
    main()
