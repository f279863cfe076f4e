"""The same pictures in every form give the same tensor."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dressform.data.archive import write_archive
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.source import load_data
from dressform.data.splits import hold_out
from tests.writers import write_csv, write_folder, write_idx

CLASSES = tuple("0123456789")


def _npz(path: Path, splits: DatasetSplits) -> Path:
    write_archive(path, splits)
    return path


def _keras_npz(path: Path, splits: DatasetSplits) -> Path:
    assert splits.test is not None
    train, test = splits.train, splits.test
    np.savez(
        path,
        x_train=train.images[..., 0],
        y_train=train.labels,
        x_test=test.images[..., 0],
        y_test=test.labels[:, None],
    )
    return path


def _csv_folder(folder: Path, splits: DatasetSplits, header: bool) -> Path:
    for split, dataset in splits:
        write_csv(folder / f"fashion-mnist_{split}.csv", dataset, header=header)
    return folder


def _split_folder(folder: Path, splits: DatasetSplits, suffix: str) -> Path:
    for split, dataset in splits:
        write_folder(folder / split, dataset, suffix=suffix)
    return folder


FORMS: dict[str, Callable[[Path, DatasetSplits], Path]] = {
    "idx": lambda path, splits: write_idx(path / "d", splits, compress=False),
    "idx-gz": lambda path, splits: write_idx(path / "d", splits, compress=True),
    "idx-file": lambda path, splits: (
        write_idx(path / "d", splits, compress=True) / "train-images-idx3-ubyte.gz"
    ),
    "csv": lambda path, splits: _csv_folder(path / "d", splits, header=True),
    "csv-without-header": lambda path, splits: _csv_folder(path / "d", splits, header=False),
    "npz": lambda path, splits: _npz(path / "d.npz", splits),
    "npz-keras": lambda path, splits: _keras_npz(path / "d.npz", splits),
    "png": lambda path, splits: _split_folder(path / "d", splits, ".png"),
    "webp": lambda path, splits: _split_folder(path / "d", splits, ".webp"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_examples(form: str, small: DatasetSplits, tmp_path: Path) -> None:
    data = load_data(FORMS[form](tmp_path, small))
    assert data.test is not None
    for split, dataset in data:
        expected = small[split]
        order = np.arange(len(expected))
        if form in ("png", "webp"):  # folders come class by class
            order = np.argsort(expected.labels, kind="stable")
        assert np.array_equal(dataset.images, expected.images[order])
        assert np.array_equal(dataset.labels, expected.labels[order])
    assert len(data.class_names) == 10


def test_fashion_mnist_is_what_its_owner_published(fashion: DatasetSplits) -> None:
    assert fashion.test is not None
    assert fashion.train.images.shape == (60_000, 28, 28, 1)
    assert fashion.train.counts.tolist() == [6_000] * 10
    assert fashion.test.counts.tolist() == [1_000] * 10
    assert [fashion.class_names[label] for label in fashion.test.labels[:3]] == [
        "Ankle boot",
        "Pullover",
        "Trouser",
    ]


def test_fashion_mnist_gets_its_class_names_in_any_order_and_form(
    fashion: DatasetSplits, tmp_path: Path
) -> None:
    shuffled = fashion.train.take(np.random.default_rng(0).permutation(60_000))
    np.savez(tmp_path / "d.npz", images=shuffled.images, labels=shuffled.labels)
    assert load_data(tmp_path / "d.npz").class_names == fashion.class_names


def test_one_pool_gets_a_test_split_and_a_note(small: DatasetSplits, tmp_path: Path) -> None:
    data = load_data(write_csv(tmp_path / "d.csv", small.train))
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (480, 120)
    assert "120 of 600 examples were held out for testing" in data.notes[0]
    assert hold_out(small.train, 0.2, 0).held_out_indices.tolist() == [
        int(i[-5:]) for i in data.test.ids
    ]


def test_flat_class_folder_with_colour_and_mixed_sizes(tmp_path: Path) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for name in ("blue", "red"):
        for i in range(10):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(random.integers(0, 256, (30 + 7 * i, 20 + i, 3), dtype=np.uint8)).save(
                tmp_path / name / f"{i}.jpg"
            )
    (tmp_path / "blue" / "notes.txt").write_text("not a picture")
    data = load_data(tmp_path)
    assert data.class_names == ("blue", "red")
    assert data.shape == (64, 64, 3)
    assert any("ignored 1 file that is not an image" in note for note in data.notes)
    assert load_data(tmp_path, image_size=16).shape == (16, 16, 3)


def test_class_names_file(small: DatasetSplits, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", small.train)
    (tmp_path / "class_names.txt").write_text("\n".join(small.class_names))
    assert load_data(path).class_names == small.class_names


def test_channels_first_and_last_arrays_are_the_same_dataset(fashion: DatasetSplits) -> None:
    rgb = np.repeat(fashion.train.images[:20], 3, axis=3)
    last = Dataset.from_arrays(rgb, fashion.train.labels[:20], class_names=CLASSES)
    first = Dataset.from_arrays(
        rgb.transpose(0, 3, 1, 2),
        fashion.train.labels[:20],
        class_names=CLASSES,
        layout="channels-first",
    )
    assert last.digest == first.digest


def test_a_dataset_cannot_be_changed(small: DatasetSplits) -> None:
    with pytest.raises(ValueError, match="read-only"):
        small.train.images[0, 0, 0, 0] = 1


def test_val_and_valid_are_validation_in_csv_names(small: DatasetSplits, tmp_path: Path) -> None:
    for name, part in (
        ("my_train", small.train),
        ("my_val", small["test"]),
        ("my_test", small["test"]),
    ):
        write_csv(tmp_path / f"{name}.csv", part)
    assert [split for split, _ in load_data(tmp_path)] == ["train", "validation", "test"]


def test_a_users_own_folder_may_be_called_fashion_mnist(
    small: DatasetSplits, tmp_path: Path
) -> None:
    assert len(load_data(write_idx(tmp_path / "fashion-mnist", small, compress=True)).train) == 600


def test_hidden_folders_are_left_out(small: DatasetSplits, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "d", small.train)
    thumbnails = folder / "9-Ankle boot" / ".thumbnails"
    thumbnails.mkdir()
    (thumbnails / "x.png").write_text("no picture")
    assert sum(len(dataset) for _, dataset in load_data(folder)) == 600
