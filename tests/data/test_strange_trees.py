"""Trees of image files in other shapes than the known cases, as people find them on their disks."""

import unicodedata
from pathlib import Path

import pytest

import dressform
from tests.data.cases import class_folders, draw, encoded, stems, write_image
from tests.data.reading import (
    attempt,
    check,
    check_text,
    complaint,
    counts,
    notes_with,
    refused,
    totals,
    train,
)

CLASSES = ("dress", "pants", "shoes")
SIX = dict.fromkeys(CLASSES, 6)
TWO = dict.fromkeys(CLASSES, 2)


def test_an_unpacked_archive_within_itself(tmp_path: Path) -> None:
    """Leftovers beside the wrapping folders do not stop the search for the classes."""
    class_folders(tmp_path / "archive" / "photos" / "photos" / "photos", count=6)
    (tmp_path / "archive" / "__MACOSX" / "photos").mkdir(parents=True)
    (tmp_path / "archive" / "photos" / "README.txt").write_text("CC0")
    assert totals(dressform.load_data(tmp_path / "archive")) == SIX


def test_the_alphabet_with_a_test_folder_without_classes(tmp_path: Path) -> None:
    """Images for testing that have no labels are left out and said; the rest can be trained on."""
    root = tmp_path / "asl_alphabet"
    class_folders(root / "asl_alphabet_train" / "asl_alphabet_train", count=6)
    for label in CLASSES:
        write_image(
            root / "asl_alphabet_test" / "asl_alphabet_test" / f"{label}_test.jpg", label, 9
        )
    splits = dressform.load_data(root)
    assert totals(splits) == SIX
    assert notes_with(splits, "asl_alphabet_test")


def test_landscapes_with_images_to_predict(tmp_path: Path) -> None:
    class_folders(tmp_path / "seg_train" / "seg_train", count=6)
    class_folders(tmp_path / "seg_test" / "seg_test", first=6, count=2)
    for number in range(5):
        write_image(tmp_path / "seg_pred" / "seg_pred" / f"{number}.jpg", "hat", number)
    splits = dressform.load_data(tmp_path)
    assert counts(splits) == {"train": SIX, "test": TWO}
    assert notes_with(splits, "seg_pred")


@pytest.mark.parametrize(
    "folders",
    [
        ("Training", "Testing"),
        ("TRAIN", "TEST"),
        ("training_set", "test_set"),
        ("train-data", "test-data"),
        ("fruits_train", "fruits_test"),
        ("01_train", "02_test"),
        ("trainset", "testset"),
        ("train_images", "test_images"),
        ("train.v2", "test.v2"),
    ],
)
def test_splits_under_other_names(folders: tuple[str, str], tmp_path: Path) -> None:
    class_folders(tmp_path / folders[0], count=6)
    class_folders(tmp_path / folders[1], first=6, count=2)
    assert counts(dressform.load_data(tmp_path)) == {"train": SIX, "test": TWO}


@pytest.mark.parametrize("folder", ["val", "valid", "Validation", "valid_set", "validation-data"])
def test_a_validation_split_under_other_names(folder: str, tmp_path: Path) -> None:
    root = tmp_path / "dataset" / "images"
    class_folders(root / "train", count=6)
    class_folders(root / folder, first=6, count=2)
    (tmp_path / "dataset" / "data.yaml").write_text("names: [dress, pants, shoes]\n")
    assert counts(dressform.load_data(tmp_path / "dataset")) == {"train": SIX, "validation": TWO}


def test_a_word_that_only_contains_a_split(tmp_path: Path) -> None:
    """``trainers``, ``contest`` and ``valentine`` are classes."""
    class_folders(tmp_path, count=6, names=("trainers", "contest", "valentine"))
    assert totals(dressform.load_data(tmp_path)) == {"contest": 6, "trainers": 6, "valentine": 6}


def test_two_folders_for_one_split(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", count=6)
    class_folders(tmp_path / "training_set", first=6, count=2)
    refused(tmp_path, "train", "training_set")


def test_radiographs_with_a_copy_of_all_inside(tmp_path: Path) -> None:
    """The outer splits are meant; the copy within is said to be left out, and never joins them."""
    for root in (tmp_path / "chest", tmp_path / "chest" / "chest"):
        class_folders(root / "train", count=6)
        class_folders(root / "test", first=6, count=2)
    (tmp_path / "chest" / "__MACOSX" / "chest").mkdir(parents=True)
    splits = dressform.load_data(tmp_path / "chest")
    assert counts(splits) == {"train": SIX, "test": TWO}
    assert notes_with(splits, "chest")


def test_plants_whose_test_folder_lies_beside_the_wrapping_folder(tmp_path: Path) -> None:
    """Read with the unlabelled images said, or refused with both places; never as two classes."""
    class_folders(tmp_path / "plants (1)" / "plants" / "train", count=6)
    class_folders(tmp_path / "plants (1)" / "plants" / "valid", first=6, count=2)
    write_image(tmp_path / "test" / "test" / "leaf1.JPG", "hat", 1)
    splits = attempt(tmp_path, "test", "plants")
    if isinstance(splits, str):
        return
    assert counts(splits) == {"train": SIX, "validation": TWO}
    assert notes_with(splits, "test")


def test_splits_within_classes(tmp_path: Path) -> None:
    """``dress/train`` and ``dress/test``: read as these splits, or refused with both candidates;
    never mixed.
    """
    for label in CLASSES:
        for number in range(8):
            split = "train" if number < 6 else "test"
            write_image(tmp_path / label / split / f"{number}.jpg", label, number)
    splits = attempt(tmp_path, "dress", "train", "test")
    if isinstance(splits, str):
        assert splits in complaint(*train(tmp_path, tmp_path / "runs"))
        return
    assert counts(splits) == {"train": SIX, "test": TWO}


@pytest.mark.parametrize(
    "folders", [("2023", "2024"), ("fold1", "fold2", "fold3"), ("camera A", "camera B")]
)
def test_folders_that_all_have_the_same_folders(folders: tuple[str, ...], tmp_path: Path) -> None:
    for place, folder in enumerate(folders):
        class_folders(tmp_path / folder, first=6 * place, count=6)
    message = refused(tmp_path, *folders[:2], "dress", "pants")
    assert message in complaint("data", "check", tmp_path)
    assert message in complaint(*train(tmp_path, tmp_path / "runs"))


def test_a_class_in_folders_of_its_own(tmp_path: Path) -> None:
    """Sub-folders that differ from class to class only sort the images of a class."""
    for folder in ("dress/long", "dress/short", "pants/jeans", "shoes"):
        for number in range(3):
            label = folder.partition("/")[0]
            write_image(tmp_path / folder / f"{number}.jpg", label, number + len(folder))
    assert totals(dressform.load_data(tmp_path)) == {"dress": 6, "pants": 3, "shoes": 3}


def test_a_class_called_train_among_vehicles(tmp_path: Path) -> None:
    class_folders(tmp_path / "flat", count=6, names=("bus", "car", "train"))
    splits = dressform.load_data(tmp_path / "flat")
    assert totals(splits) == {"bus": 6, "car": 6, "train": 6}
    class_folders(tmp_path / "split" / "train", count=6, names=("bus", "car", "train"))
    class_folders(tmp_path / "split" / "test", 6, 2, names=("bus", "car", "train"))
    splits = dressform.load_data(tmp_path / "split")
    assert counts(splits)["test"] == {"bus": 2, "car": 2, "train": 2}


def test_train_and_test_as_the_only_folders_of_images(tmp_path: Path) -> None:
    for number in range(8):
        write_image(tmp_path / "photos" / "train" / f"cat.{number}.jpg", "dress", number)
        write_image(tmp_path / "photos" / "test1" / f"{number}.jpg", "pants", number)
    message = refused(tmp_path, "train", "test1", "class")
    assert message in complaint("data", "check", tmp_path)


def test_a_tree_for_detection(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for number in range(4):
            write_image(tmp_path / "images" / split / f"{number}.jpg", "dress", number)
            boxes = tmp_path / "labels" / split / f"{number}.txt"
            boxes.parent.mkdir(parents=True, exist_ok=True)
            boxes.write_text("0 0.5 0.5 0.2 0.2\n")
    message = refused(tmp_path, "labels", "class")
    assert message in complaint(*train(tmp_path, tmp_path / "runs"))


def test_images_and_nothing_else(tmp_path: Path) -> None:
    for number in range(4):
        write_image(tmp_path / f"IMG_{number}.JPG", "dress", number)
    refused(tmp_path, "class", "4")


LEFTOVERS = {
    "jupyter": ".ipynb_checkpoints/a-checkpoint.jpg",
    "jupyter-in-a-class": "dress/.ipynb_checkpoints/a-checkpoint.jpg",
    "synology": "dress/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
    "synology-root": "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
    "qnap": "shoes/.@__thumb/default1.jpg",
    "qnap-recycle": "@Recycle/dress/a.jpg",
    "synology-recycle": "#recycle/dress/a.jpg",
    "windows-bin": "$RECYCLE.BIN/S-1-5-21/a.jpg",
    "windows": "System Volume Information/a.jpg",
    "mac": "__MACOSX/dress/a.jpg",
    "mac-fork": "dress/._a.jpg",
    "mac-network": ".AppleDouble/a.jpg",
    "mac-trash": ".Trashes/501/a.jpg",
    "gnome": "pants/.thumbnails/normal/a.png",
    "linux-trash": ".Trash-1000/files/a.jpg",
    "git": ".git/lfs/objects/a.jpg",
    "netatalk": "pants/Network Trash Folder/a.jpg",
}


@pytest.mark.parametrize("place", LEFTOVERS)
def test_images_that_other_programs_left(place: str, tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    write_image(tmp_path / LEFTOVERS[place], "hat", 1)
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    top = next(part for part in Path(LEFTOVERS[place]).parts if part not in CLASSES)
    assert len(notes_with(splits, top)) == 1


def test_files_that_other_programs_left(tmp_path: Path) -> None:
    root = tmp_path / "MSR" / "PetImages"
    class_folders(root, count=6)
    for path in ("dress/Thumbs.db", "pants/desktop.ini", "shoes/.picasa.ini", "dress/ehthumbs.db"):
        (root / path).write_bytes(b"\xd0\xcf\x11\xe0")
    (root / "dress" / "a.jpg~").write_bytes(encoded("hat", 1))
    (root / "dress" / ".a.jpg.swp").write_bytes(b"b0VIM 8.2")
    (tmp_path / "MSR" / "readme[1].txt").write_text("Cats and dogs")
    splits = dressform.load_data(tmp_path / "MSR")
    assert totals(splits) == SIX
    assert notes_with(splits, "Thumbs.db", "ini", "files")


def test_duplicates_of_a_download(tmp_path: Path) -> None:
    """``a (1).jpg`` is an image as any other; the check counts equal ones, and they stay in one
    split.
    """
    class_folders(tmp_path, count=6)
    for number in range(3):
        write_image(tmp_path / "dress" / f"{stems('dress')[number]} (1).jpg", "dress", number)
    assert totals(dressform.load_data(tmp_path))["dress"] == 9
    document = check(tmp_path)
    assert len(document["duplicates"]) == 3
    assert document["overlaps"] == []


def test_loose_images_within_a_split(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", count=6)
    class_folders(tmp_path / "test", 6, 2)
    for number in range(7):
        write_image(tmp_path / "train" / f"unsorted{number}.jpeg", "hat", number)
    splits = dressform.load_data(tmp_path)
    assert counts(splits)["train"] == SIX
    assert notes_with(splits, "7")


def test_a_folder_without_images_among_the_classes(tmp_path: Path) -> None:
    """A folder of other files is either refused or said to be left out; never an empty class."""
    class_folders(tmp_path, count=6)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "1.xml").write_text("<annotation/>")
    splits = attempt(tmp_path, "annotations")
    if isinstance(splits, str):
        return
    assert totals(splits) == SIX
    assert notes_with(splits, "annotations")


def test_an_empty_class_folder(tmp_path: Path) -> None:
    """Left out: its owner is told, since the class may have been meant to have examples."""
    class_folders(tmp_path, count=6)
    (tmp_path / "socks").mkdir()
    splits = dressform.load_data(tmp_path)
    assert totals(splits) == SIX
    assert notes_with(splits, "socks")


def test_one_class_only(tmp_path: Path) -> None:
    for number in range(10):
        write_image(tmp_path / "photos" / "dress" / f"{number}.jpg", "dress", number)
    message = refused(tmp_path / "photos", "dress", "class")
    assert message in complaint("data", "check", tmp_path / "photos")
    assert message in complaint(*train(tmp_path / "photos", tmp_path / "runs"))


def test_loops_of_links(tmp_path: Path) -> None:
    class_folders(tmp_path / "data", count=6)
    (tmp_path / "data" / "dress" / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "pants" / "self").symlink_to(tmp_path / "data" / "pants")
    (tmp_path / "data" / "shoes" / "circle.jpg").symlink_to(tmp_path / "data" / "shoes/circle.jpg")
    splits = dressform.load_data(tmp_path / "data", skip_bad=True)
    assert totals(splits) == SIX
    assert notes_with(splits, "circle.jpg") or any(
        "circle.jpg" in str(item.path) for item in splits.left_out
    )


def test_links_that_dangle(tmp_path: Path) -> None:
    """A link to nowhere counts as a bad file: named, and left out on request."""
    class_folders(tmp_path, count=6)
    (tmp_path / "dress" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    refused(tmp_path, "gone.jpg")
    bad = check(tmp_path, code=1)["bad"]
    assert [Path(entry["path"]).name for entry in bad] == ["gone.jpg"]
    splits = dressform.load_data(tmp_path, skip_bad=True)
    assert totals(splits) == SIX
    assert [Path(item.path).name for item in splits.left_out] == ["gone.jpg"]


def test_linked_images_and_a_linked_root(tmp_path: Path) -> None:
    store = class_folders(tmp_path / "store", count=6)
    for label in CLASSES:
        (tmp_path / "view" / label).mkdir(parents=True)
        for path in sorted((store / label).iterdir()):
            (tmp_path / "view" / label / path.name).symlink_to(path)
    (tmp_path / "short").symlink_to(tmp_path / "view")
    assert totals(dressform.load_data(tmp_path / "short")) == SIX


def test_two_spellings_of_one_name(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Röcke") for form in ("NFC", "NFD"))
    assert composed != decomposed
    class_folders(tmp_path / "a" / "train", count=6, names=(composed, "pants", "shoes"))
    class_folders(tmp_path / "a" / "test", 6, 2, names=(decomposed, "pants", "shoes"))
    splits = dressform.load_data(tmp_path / "a")
    assert counts(splits)["test"] == {"Röcke": 2, "pants": 2, "shoes": 2}
    class_folders(tmp_path / "b", count=6, names=(composed, "pants", "shoes"))
    for number in range(6, 9):
        write_image(tmp_path / "b" / decomposed / f"{number}.jpg", "dress", number)
    assert totals(dressform.load_data(tmp_path / "b")) == {"Röcke": 9, "pants": 6, "shoes": 6}


def test_two_names_that_differ_in_case(tmp_path: Path) -> None:
    class_folders(tmp_path / "a", count=6, names=("dress", "Dress", "shoes"))
    if len(list((tmp_path / "a").iterdir())) < 3:
        pytest.skip("this file system takes both for one name")
    splits = dressform.load_data(tmp_path / "a")
    assert totals(splits) == {"Dress": 6, "dress": 6, "shoes": 6}
    assert any("Dress" in note and "dress" in note for note in splits.notes)
    class_folders(tmp_path / "b" / "train", count=6)
    class_folders(tmp_path / "b" / "test", 6, 2, names=("Dress", "pants", "shoes"))
    refused(tmp_path / "b", "Dress", "dress")


@pytest.mark.parametrize(
    "names",
    [
        ("[bold]red[i]", "50 %", "a=b; ls"),
        ("连衣裙", "брюки", "أحذية"),
        ("-v", "*", "~"),
        ("👗", " padded", "x" * 120),
        ("&amp;<b>", "$HOME", "{0}%s"),
    ],
)
def test_names_of_any_kind(names: tuple[str, str, str], tmp_path: Path) -> None:
    class_folders(tmp_path, count=6, names=names)
    splits = dressform.load_data(tmp_path)
    read = sorted(name.strip() for name in splits.class_names)
    assert read == sorted(name.strip() for name in names)
    assert check(tmp_path)["classes"] == list(splits.class_names)
    assert check_text(tmp_path)


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    for number, suffix in enumerate((".JPG", ".Jpeg", ".PNG", ".BMP", ".TIF", ".GIF")):
        for label in CLASSES:
            write_image(tmp_path / label / f"{number}{suffix}", label, number)
    assert totals(dressform.load_data(tmp_path)) == SIX


def test_images_without_a_suffix(tmp_path: Path) -> None:
    """Known by their content or said to be left out, but not passed over in silence."""
    class_folders(tmp_path, count=6)
    draw("dress", 7).save(tmp_path / "dress" / "IMG0007", "JPEG")
    splits = dressform.load_data(tmp_path)
    assert totals(splits)["dress"] == 7 or notes_with(splits, "IMG0007")


def test_an_empty_folder_and_folders_of_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    refused(tmp_path / "a" / "b" / "c", "empty")
    refused(tmp_path / "a")
