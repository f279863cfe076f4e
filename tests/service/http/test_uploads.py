"""Images as clients send them: one, many, in ZIPs, and what is wrong with them."""

import io
import socket
import struct
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dressform.core.errors import DressformError
from dressform.data.source import load_data
from dressform.service.settings import ServiceSettings
from dressform.service.zip_upload import open_zip
from tests.data.reading import totals
from tests.service.http.bodies import picture, zip_of
from tests.service.http.conftest import Live


def test_one_image(http: httpx.Client, project: str) -> None:
    path = f"{project}/images"
    content = picture(size=(30, 20), form="JPEG")
    answer = http.post(path, content=content, params={"label": "Hat", "name": "C:\\x\\hat.jpg"})
    assert answer.status_code == 201
    image = answer.json()["images"][0]
    assert (image["name"], image["format"], image["label"]) == ("hat.jpg", "JPEG", "Hat")
    again = http.post(path, content=content)
    assert (again.status_code, again.json()["known"]) == (200, 1)
    assert again.json()["images"][0]["label"] == "Hat"
    original = http.get(image["original"])
    assert original.content == content
    assert original.headers["content-type"] == "image/jpeg"
    assert original.headers["x-content-type-options"] == "nosniff"
    etag = original.headers["etag"]
    for which in ("original", "thumbnail"):
        cached = http.get(image[which], headers={"If-None-Match": etag})
        assert (cached.status_code, cached.content) == (304, b"")
    assert http.get(image["thumbnail"]).content.startswith(b"\xff\xd8")
    tiff = http.post(path, content=picture(1, form="TIFF"), params={"name": 'a";\r\nb.tif'}).json()
    saved = http.get(tiff["images"][0]["original"]).headers
    assert saved["content-type"] == "application/octet-stream"
    assert saved["content-disposition"] == "attachment; filename*=UTF-8''a%22%3Bb.tif"
    for bad, status, message in (
        (b"", 422, "the body is empty"),
        (b"<svg onload=alert(1)>", 422, "x.svg is not an image"),
        (b"GIF89a", 422, "x.svg is"),
        (picture() + bytes(2**20), 413, "more than 1,048,576 bytes"),
    ):
        answer = http.post(path, content=bad, params={"name": "x.svg"})
        assert (answer.status_code, message in answer.json()["error"]) == (status, True)


def test_many_images(http: httpx.Client, project: str) -> None:
    files = [
        ("file", ("Hat/1.png", picture(1))),
        ("file", ("photos\\Bag\\2.png", picture(2))),
        ("file", ("3.png", picture(3))),
        ("file", ("notes.txt", b"no image")),
        ("file", ("large.png", bytes(2**20 + 1))),
    ]
    answer = http.post(f"{project}/images", files=files, params={"labels": "folders"})
    found = answer.json()
    assert answer.status_code == 201
    assert [image["label"] for image in found["images"]] == ["Hat", "Bag", None]
    assert (found["added"], found["classes"]) == (3, ["Bag"])
    assert [(one["name"], one["status"], one["kind"]) for one in found["refused"]] == [
        ("notes.txt", 422, "unreadable"),
        ("large.png", 413, "too large"),
    ]
    answer = http.post(f"{project}/images", files=files[3:])
    assert (answer.status_code, answer.json()["added"]) == (200, 0)
    answer = http.post(f"{project}/images", files=[("file", ("", b""))])
    assert (answer.status_code, "has no file" in answer.text) == (422, True)
    many = [("file", (f"{i}.png", b"x")) for i in range(201)]
    assert http.post(f"{project}/images", files=many).status_code == 400
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = http.post(f"{project}/images", content=b"x", headers={"Content-Type": kind})
        assert (answer.status_code, "error" in answer.json()) == (400, True), kind


def test_a_full_project_keeps_what_fitted(http: httpx.Client, project: str) -> None:
    for start in (0, 40):
        some = {f"{i}.png": picture(i + start, (4, 4)) for i in range(40)}
        answer = http.post(f"{project}/images/zip", content=zip_of(some)).json()
    assert answer["added"] == 60 - 40
    assert {(one["status"], one["kind"]) for one in answer["refused"]} == {(409, "full")}
    assert http.get(project).json()["unlabelled"] == 60


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_a_zip_as_people_make_them(http: httpx.Client, project: str) -> None:
    content = zip_of(
        [
            ("photos/Hat/1.png", picture(1)),
            ("photos/Hat/more/2.png", picture(2)),
            ("__MACOSX/photos/Hat/._1.png", b"Mac"),
            ("photos/.DS_Store", b"Mac"),
            ("photos\\Shoe\\Thumbs.db", b"Windows"),
            ("photos\\Shoe\\3.png", picture(3)),  # as Windows' older programs write it
            ("photos/Caf__/4.png", picture(4)),
            ("photos/5.png", picture(5)),
            ("photos/Hat/damaged.png", picture(6)[:60]),
            ("photos/Hat/inner.zip", zip_of({"x.png": picture(7)})),
            ("photos/Hat/empty.png", b""),
        ]
    )
    content = content.replace(b"Caf__", "Café".encode())  # as macOS writes it: UTF-8, unmarked
    found = http.post(f"{project}/images/zip", content=content).json()
    assert (found["added"], found["known"], found["images"]) == (5, 0, [])
    assert found["classes"] == ["Café"]
    assert sorted(one["name"] for one in found["refused"]) == [
        "damaged.png",
        "empty.png",
        "inner.zip",
    ]
    assert any("a ZIP inside the ZIP" in one["error"] for one in found["refused"])
    assert {"__MACOSX", "photos/.DS_Store", "photos/Shoe/Thumbs.db"} == set(found["left_out"])
    counts = {one["name"]: one["images"] for one in http.get(project).json()["classes"]}
    assert counts == {"Hat": 2, "Shoe": 1, "Café": 1}
    for params, expected in (({"labels": "none"}, 2), ({"label": "Shoe"}, 2)):
        more = zip_of({"a/8.png": picture(8), "b/9.png": picture(9)})
        again = http.post(f"{project}/images/zip", content=more, params=params).json()
        assert again["added"] + again["known"] == expected
        assert again["classes"] == []


def test_tables_and_splits_in_a_zip(http: httpx.Client, project: str) -> None:
    table = "\ufefffile;class\n1.png;Hat\nimages/2.png;Bag\n3;Shoe\n".encode()
    content = zip_of({"labels.csv": table, **{f"images/{i}.png": picture(i) for i in (1, 2, 3)}})
    http.post(f"{project}/images/zip", content=content)
    counts = {one["name"]: one["images"] for one in http.get(project).json()["classes"]}
    assert counts == {"Hat": 1, "Shoe": 1, "Bag": 1}
    content = zip_of({f"train/{c}/{i}.png": picture(i) for c, i in (("Hat", 4), ("Shoe", 5))})
    http.post(f"{project}/images/zip", content=content)
    saved = http.get(f"{project}/dataset.zip")
    again = http.post("/api/v1/projects", json={}).json()["id"]
    found = http.post(f"/api/v1/projects/{again}/images/zip", content=saved.content).json()
    assert (found["added"], found["refused"]) == (5, [])
    counts = {
        one["name"]: one["images"]
        for one in http.get(f"/api/v1/projects/{again}").json()["classes"]
    }
    assert counts == {"Hat": 2, "Shoe": 2, "Bag": 1}


def test_a_saved_dataset_is_read_like_any_other(
    http: httpx.Client, project: str, tmp_path: Path
) -> None:
    """Images without a label are no class in it, whatever the classes are called."""
    for i, label in enumerate(["Hat", "Hat", "unlabelled", "unlabelled", None]):
        params = {} if label is None else {"label": label}
        http.post(f"{project}/images", content=picture(i), params=params)
    (tmp_path / "saved.zip").write_bytes(http.get(f"{project}/dataset.zip").content)
    splits = load_data(tmp_path / "saved.zip")
    assert totals(splits) == {"Hat": 2, "class unlabelled": 2}


def test_a_lost_image_is_named_in_the_saved_dataset(
    http: httpx.Client, project: str, live: Live
) -> None:
    ids = [
        http.post(f"{project}/images", content=picture(i), params={"label": "Hat"}).json()
        for i in (1, 2)
    ]
    digest = ids[0]["images"][0]["sha256"]
    live.service.store.delete(digest)
    with zipfile.ZipFile(io.BytesIO(http.get(f"{project}/dataset.zip").content)) as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.startswith("Hat/")]) == 1
        assert digest[:12] not in archive.read("images.csv").decode()
        lines = archive.read("missing.txt").decode().splitlines()
    assert "restore a backup" in lines[0]
    assert lines[1].startswith(f"Hat/{digest[:12]}-image: image {digest[:12]} cannot be read")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_full_disk_is_told_and_forgotten(http: httpx.Client, project: str) -> None:
    import resource

    small, large = picture(1), picture(2, (300, 300))
    zipped = zip_of({"Hat/1.png": small, "Hat/2.png": large})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        answers = [
            http.post(f"{project}/images", content=large),
            http.post(f"{project}/images/zip", content=zipped),
            http.post(f"{project}/images", files=[("file", ("1.png", bytes(2**20 + 1)))]),
        ]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for answer in answers:
        assert answer.status_code == 507, answer.text
        assert answer.json()["error"].endswith(
            "the disk is full; make room on the disk of the service"
        )
        assert int(answer.headers["retry-after"]) > 0
    assert http.post(f"{project}/images", content=large).status_code == 201
    assert http.post(f"{project}/images/zip", content=zipped).json()["added"] == 1


def bomb(declared: int | None = None) -> bytes:
    content = zip_of({"Hat/1.png": bytes(900_000)})
    if declared is None:
        return content
    return content.replace(struct.pack("<L", 900_000), struct.pack("<L", declared))


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 422, "the body is empty"),
        (b"no ZIP at all", 422, "the ZIP is"),
        (zip_of({"Hat/1.png": picture()})[:80], 422, "the ZIP is"),
        (zip_of({f"{i}.png": bytes(10**6) for i in range(17)}), 413, "unpacks to 17,000,000 bytes"),
        (zip_of({f"{i}.png": b"" for i in range(201)}), 413, "has 201 files; allowed: 200"),
        (zip_of({f"{i}/": b"" for i in range(601)}), 413, "more than 200 files"),
        (zip_of({"1.png": picture()}, zipfile.ZIP_LZMA), 422, "compressed by method 14"),
    ],
    ids=["empty", "text", "cut", "bomb", "files", "folders", "lzma"],
)
def test_zips_that_are_refused(
    http: httpx.Client, project: str, content: bytes, status: int, message: str
) -> None:
    answer = http.post(f"{project}/images/zip", content=content)
    assert (answer.status_code, message in answer.json()["error"]) == (status, True), answer.text
    assert "/tmp" not in answer.text
    assert http.get(project).json()["images"] == 0


def test_entries_that_are_refused(http: httpx.Client, project: str, live: Live) -> None:
    content = zip_of(
        [
            ("Hat/../../../evil.png", picture(1)),
            ("/etc/2.png", picture(2)),
            ("C:\\Windows\\3.png", picture(3)),
            (entry("Hat/link.png", 0o120777), b"/etc/passwd"),
            ("Hat/" + "x/" * 60 + "4.png", picture(4)),
            ("Hat/large.png", bytes(2**20 + 1)),
            ("Hat/\u202egnp.5", picture(5)),
        ]
    )
    found = http.post(f"{project}/images/zip", content=content).json()
    reasons = {one["name"]: one["error"] for one in found["refused"]}
    assert "leads out of the archive" in reasons["evil.png"]
    assert "a link inside an archive" in reasons["link.png"]
    assert "too deeply nested" in reasons["4.png"]
    assert "allowed: 1,048,576" in reasons["large.png"]
    assert found["added"] == 3
    names = {one["name"] for one in http.get(f"{project}/images").json()["images"]}
    assert names == {"2.png", "3.png", "gnp.5"}
    damaged = bytearray(zip_of({f"Hat/{'n' * 3000}.png": picture(6)}, zipfile.ZIP_STORED))
    damaged[3100] ^= 1
    answer = http.post(f"{project}/images/zip", content=bytes(damaged))
    assert "/tmp" not in answer.text
    assert answer.json()["refused"][0]["error"].startswith("Hat/nnn")
    lying = http.post(f"{project}/images/zip", content=bomb(100)).json()
    assert (lying["added"], len(lying["refused"])) == (0, 1)
    temporary = live.service.store.temporary
    assert [path.name for path in temporary.iterdir()] == []


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_mutated_zips_are_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(
        zip_of({"Hat/1.png": picture(1), "Shoe/2.png": picture(2), "l.csv": b"image,label\n"})
    )
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "upload.zip"
    path.write_bytes(content)
    limits = ServiceSettings(storage=tmp_path, max_image=2**20, max_unpacked=2**22, max_files=10)
    message = ""
    try:
        with open_zip(path, limits, None, folders=True) as upload:
            for file in upload.files:
                assert isinstance(file.content, bytes | DressformError)
                message += str(file.content if isinstance(file.content, DressformError) else "")
    except DressformError as error:
        message = str(error)
    assert str(tmp_path) not in message


def test_bodies_that_are_too_large_or_too_slow(
    live: Live, http: httpx.Client, project: str
) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(6):
            yield bytes(2**20)

    for content in (bytes(5 * 2**20), parts()):
        try:
            answer = http.post(f"{project}/images/zip", content=content)
        except httpx.WriteError:
            continue  # the server has answered and closed before all was sent
        assert (answer.status_code, "more than" in answer.json()["error"]) == (413, True)
    answer = http.post("/api/v1/projects", json={"name": "x" * 5_000_000})
    assert answer.status_code == 413
    host, port = live.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        key = live.keys["own", "train"]
        slow.sendall(
            f"POST {project}/images HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Length: 1000\r\n\r\nx".encode()
        )
        slow.settimeout(20)
        began, answer_text = time.monotonic(), slow.recv(1000).decode()
        assert time.monotonic() - began > 1
        assert "408" in answer_text.splitlines()[0]


def test_uploads_at_one_time_add_each_image_once(live: Live, project: str) -> None:
    contents = [picture(i) for i in range(20)]
    added: list[int] = []

    def upload() -> None:
        with live.client("train") as client:
            files = [("file", (f"{i}.png", content)) for i, content in enumerate(contents)]
            answer = client.post(f"{project}/images", files=files, params={"label": "New"})
            added.append(answer.json()["added"])

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 20
    with live.client("train") as client:
        found = client.get(project).json()
    assert (found["images"], [one["name"] for one in found["classes"]]) == (
        20,
        ["Hat", "Shoe", "New"],
    )
