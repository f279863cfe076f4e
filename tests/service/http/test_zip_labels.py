"""Labels of uploaded ZIPs and folders: by a table among the files, or by folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import dressform
from dressform.core.errors import DataError
from dressform.data.read_options import ReadOptions
from dressform.data.recognise import read_source
from dressform.service import tree_labels
from tests.service.http.bodies import picture, zip_of
from tests.service.http.conftest import Live

IMAGES = {f"images/{name}.png": picture(i) for i, name in enumerate("abcd")}


def upload(
    http: httpx.Client, project: str, files: Mapping[str, bytes | str], **params: str
) -> Any:
    content = zip_of({n: c.encode() if isinstance(c, str) else c for n, c in files.items()})
    answer = http.post(f"{project}/images/zip", content=content, params=params)
    assert "/tmp" not in answer.text
    return answer.json()


def labels(http: httpx.Client, project: str) -> dict[str, str | None]:
    found = http.get(f"{project}/images", params={"limit": 200}).json()["images"]
    return {image["name"].partition(".")[0]: image["label"] for image in found}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("labels.csv", "image,label\nimages\\a.png,mug\n.\\images\\b.png,shirt\n"),
        ("labels.csv", "image,label\nC:\\photos\\images\\a.png,mug\n/home/me/images/b.png,shirt\n"),
        ("labels.csv", "image,label\na,mug\nIMAGES/B.PNG,shirt\n"),
        ("images/labels.csv", "sep=;\nfile;class\na.png;mug\nb.png;shirt\n"),
        ("labels.tsv", "path\tlabel\n./images/a.png\tmug\nimages/b.png\tshirt\n"),
        ("labels.csv", "image,mug,shirt\na.png,1,0\nb.png,0,1\n"),
        ("images/metadata.jsonl", '{"file_name":"a.png","label":"mug"}\n'
                                  '{"file_name":"b.png","label":"shirt"}\n'),
        ("labels.txt", "image,label\na.png,mug\nb.png,shirt\n"),
    ],
    ids=["windows", "absolute", "ids", "beside", "tabs", "one-hot", "json", "txt"],
)  # fmt: skip
def test_a_table_is_read_as_by_the_command_line(
    http: httpx.Client, project: str, tmp_path: Path, name: str, table: str
) -> None:
    files = {"images/a.png": IMAGES["images/a.png"], "images/b.png": IMAGES["images/b.png"]}
    found = upload(http, project, {name: table, **files})
    assert (found["added"], found["classes"]) == (2, ["mug", "shirt"])
    assert [found[key] for key in ("refused", "left_out", "notes")] == [[], [], []]
    assert labels(http, project) == {"a": "mug", "b": "shirt"}
    (tmp_path / "same.zip").write_bytes(zip_of({name: table.encode(), **files}))
    parts = read_source(tmp_path / "same.zip", ReadOptions()).parts
    assert parts["train"].labels == ["mug", "shirt"]


def test_rows_without_an_image_and_images_without_a_row_are_told(
    http: httpx.Client, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "image,label\na.png,mug\nb.jpg.png,shirt\nsub\\nope.png,mug\nc.png,\nend.png,mug\n"
    monkeypatch.setattr(tree_labels, "MAX_MISSING", 2)
    found = upload(http, project, {"labels.csv": table, **IMAGES})
    assert (found["added"], found["classes"]) == (4, ["mug"])
    assert [(one["name"], one["status"], one["kind"]) for one in found["refused"]] == [
        ("b.jpg.png", 404, "other"),
        ("nope.png", 404, "other"),
    ]
    assert found["refused"][1]["error"] == (
        "sub\\nope.png is listed in labels.csv, but no such image is there; correct the row"
    )
    assert found["notes"] == [
        "1 more row has no image in labels.csv",
        "2 images have no row in labels.csv, so unlabelled: images/b.png, images/d.png",
    ]
    assert labels(http, project) == {"a": "mug", "b": None, "c": None, "d": None}
    # The same ZIP with its table corrected labels what is there.
    table = "image,label\na.png,mug\nb.png,shirt\nc.png,mug\nd.png,shirt\n"
    again = upload(http, project, {"labels.csv": table, **IMAGES})
    assert (again["known"], again["refused"], again["notes"]) == (4, [], [])
    assert labels(http, project) == {"a": "mug", "b": "shirt", "c": "mug", "d": "shirt"}


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"labels.csv": "image,label\na.png,mug\nb.png\n"}, "labels.csv line 3 has 1 values"),
        ({"labels.csv": "image,label\n"}, "labels.csv has no rows"),
        ({"labels.csv": "image,label\na.png,mug\na.png,hat\n"}, "gives several labels to 1 image"),
        ({"labels.csv": "image,label\nx.png,mug\ny.png,hat\n"}, "none of them was found below the"),
        ({"labels.csv": "image,label\nx,mug\ny,hat\n"}, "none of them was found below the"),
        ({"labels.csv": "image,colour,size\na.png,red,1\nb.png,blue,2\n"}, "size; call it label"),
        ({"l.csv": f"image,label\na.png,{'x' * 140_000}\n"}, "l.csv"),
        ({"l.jsonl": "not JSON"}, "l.jsonl line 1 is not JSON"),
        (
            {"l.csv": "image,label\na.png,mug\n", "m.csv": "image,label\na.png,hat\n"},
            "m.csv has the label 'hat' for images/a.png, and another table has 'mug'",
        ),
        (
            {"labels.csv": "image,label\na.png,mug\n", "images/more/a.png": picture(9)},
            "labels.csv has 'a.png', which may be images/a.png, images/more/a.png",
        ),
    ],
    ids=[
        "ragged",
        "empty",
        "several",
        "none",
        "ids",
        "unclear",
        "long",
        "json",
        "two",
        "ambiguous",
    ],
)
def test_tables_that_cannot_be_used(
    http: httpx.Client, project: str, tables: dict[str, bytes | str], message: str
) -> None:
    found = upload(http, project, {**tables, **IMAGES})
    assert message in found["error"], found
    assert http.get(project).json()["images"] == 0


def test_names_that_many_images_share_are_told_apart_by_their_folders(
    http: httpx.Client, project: str
) -> None:
    files = {f"images/{i}/main.png": picture(i) for i in range(3)}
    rows = "".join(f"{i}/main.png,{label}\n" for i, label in enumerate("aba"))
    found = upload(http, project, {"labels.csv": f"image,label\n{rows}", **files})
    assert (found["added"], found["refused"], found["classes"]) == (3, [], ["a", "b"])
    found = upload(http, project, {"images/labels.csv": f"image,label\n{rows}", **files})
    assert (found["known"], found["refused"], found["classes"]) == (3, [], [])


def test_folders_count_beside_a_table_that_says_nothing(http: httpx.Client, project: str) -> None:
    folders: dict[str, bytes | str] = {"Hat/a.png": picture(1), "Shoe/b.png": picture(2)}
    folders["README.txt"] = "of hats"
    others = {
        "prices.csv": "product,price\nhat,3\nshoe,4\n",
        "sample_submission.csv": "image,label\na.png,Hat\nb.png,Hat\n",
        "answers.csv": "path,label,probability,ood_p_value,model,size_mtime\n"
        "a.png,Shoe,0.9,0.5,m,1\nb.png,Shoe,0.9,0.5,m,1\n",
        "meta.csv": "image,photographer\na.png,Ann\nb.png,Bob\nc.png,Bob\n",
        "sizes.csv": "image,width,height\na.png,12,9\nb.png,12\n",
    }
    found = upload(http, project, {**folders, **others})
    assert (found["added"], found["classes"]) == (2, [])
    assert labels(http, project) == {"a": "Hat", "b": "Shoe"}
    assert sorted(one["name"] for one in found["refused"]) == ["README.txt", "sizes.csv"]
    assert "sizes.csv line 3 has 2 values" in str(found["refused"])
    tables = ["answers.csv", "meta.csv", "prices.csv", "sample_submission.csv"]
    assert found["left_out"] == tables
    assert len([note for note in found["notes"] if "was not used" in note]) == 4
    table = "image,label\na.png,Shoe\nb.png,Shoe\n"
    found = upload(http, project, {**folders, "Shoe/c.png": picture(3), "labels.csv": table})
    assert labels(http, project) == {"a": "Shoe", "b": "Shoe", "c": "Shoe"}
    assert found["notes"] == ["1 image has no row in labels.csv, so labelled by folder: Shoe/c.png"]
    found = upload(http, project, {**folders, "labels.csv": "image,label\na.png,x\n"}, label="Bag")
    assert found["left_out"] == ["labels.csv"]
    assert labels(http, project) == {"a": "Bag", "b": "Bag", "c": "Shoe"}


def test_splits_that_are_put_together_are_told(http: httpx.Client, project: str) -> None:
    note = "train and test were put together; a training holds out images of its own"
    trees: list[dict[str, bytes | str]] = [
        {f"data/{s}/{c}/{s}{c}.png": picture(len(s + c)) for s in ("train", "test") for c in "xyz"},
        {"Hat/train/1.png": picture(20), "Bag/test/2.png": picture(21)},
        {"labels.csv": "image,label,split\na,mug,train\nb,mug,test\nc,x,train\nd,x,test\n"},
        {"train.csv": "image,label\na,mug\nb,x\n", "test.csv": "image,label\nc,mug\nd,x\n"},
    ]
    for tree in trees:
        files = {**tree, **IMAGES} if any("csv" in name for name in tree) else tree
        assert upload(http, project, files)["notes"] == [note], tree
    assert http.get(project).json()["unlabelled"] == 0
    # A table against what folders are called: those are no classes of images without a row.
    views = {"front/1.png": picture(40), "back/2.png": picture(41), "back/3.png": picture(42)}
    found = upload(http, project, {**views, "labels.csv": "image,label\n1.png,mug\n2.png,x\n"})
    assert (found["classes"], labels(http, project)["3"]) == ([], None)
    # Images of a split without class folders are unlabelled, and no class of its name is made.
    found = upload(http, project, {"train/Hat/7.png": picture(7), "test/8.png": picture(8)})
    assert (found["classes"], found["notes"]) == ([], [note])
    assert (labels(http, project)["7"], labels(http, project)["8"]) == ("Hat", None)
    found = upload(http, project, {"train/9.png": picture(9), "test/10.png": picture(10)})
    assert (found["classes"], found["notes"]) == ([], [note])


def test_a_project_without_labels_is_saved_and_read_again(http: httpx.Client, project: str) -> None:
    for i in range(2):
        http.post(f"{project}/images", content=picture(i))
    saved = http.get(f"{project}/dataset.zip").content
    answer = http.post(f"{project}/images/zip", content=saved).json()
    assert (answer["known"], answer["refused"], answer["notes"]) == (2, [], [])
    http.post(f"{project}/images", content=picture(3), params={"label": "=T-shirt/top"})
    saved = http.get(f"{project}/dataset.zip").content
    again = http.post("/api/v1/projects", json={}).json()["id"]
    found = http.post(f"/api/v1/projects/{again}/images/zip", content=saved).json()
    assert (found["added"], found["classes"]) == (3, ["=T-shirt/top"])


def test_a_table_by_itself_says_where_it_belongs(http: httpx.Client, project: str) -> None:
    for name in ("labels.csv", "photos/labels.TSV"):
        answer = http.post(f"{project}/images", content=b"image,label\n", params={"name": name})
        assert (answer.status_code, "make one ZIP of it and its images" in answer.text) == (
            422,
            True,
        )


def test_the_client_uploads_a_folder_as_its_zip(live: Live, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "images").mkdir(parents=True)
    for name, content in IMAGES.items():
        (photos / name).write_bytes(content)
    table = photos / "labels.csv"
    table.write_text("image,label\nimages\\a.png,T-shirt/top\nb.png,mug\nc.jpg.png,mug\n")
    (photos / "notes.txt").write_text("of the photographer")
    with dressform.Client(live.url, live.keys["own", "admin"]) as client:
        shop = client.create_project("Client's tables")
        found = shop.upload(photos)
        assert (found.added, found.left_out) == (4, ("notes.txt",))
        assert [one.name for one in found.refused] == ["c.jpg.png"]
        assert found.notes == (
            "2 images have no row in labels.csv, so unlabelled: images/c.png, images/d.png",
        )
        assert shop.counts() == {"T-shirt/top": 1, "mug": 1}
        assert shop.upload(photos, "Bag").left_out == ("labels.csv", "notes.txt")
        assert shop.counts() == {"T-shirt/top": 0, "mug": 0, "Bag": 4}
        table.write_text("image,label\na.png\n")
        with pytest.raises(DataError, match=r"labels.csv line 2 has 1 values"):
            shop.upload(photos)
        (tmp_path / "same.zip").write_bytes(
            zip_of({"train/Hat/1.png": picture(31), "test/Hat/2.png": picture(32)})
        )
        assert shop.upload(tmp_path / "same.zip").notes[0].startswith("train and test were put")
        shop.delete()
