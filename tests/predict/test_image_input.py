"""Every kind of thing that a person gives as an image: an answer, or what is allowed."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dressform.core.errors import ConfigError, DataError
from dressform.core.ordered_pool import map_in_order
from dressform.data.photo import PhotoSettings
from dressform.data.photo_processes import PhotoProcesses
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run
from tests.data.test_photo import scene
from tests.predictions.frames import Frame
from tests.writers import packed


@pytest.fixture(scope="module")
def predictor(named_run: Run) -> Predictor:
    return Predictor(named_run)


def test_a_photo_in_any_form_gets_the_same_answer(predictor: Predictor, tmp_path: Path) -> None:
    image = scene((200, 40, 50), (210, 205, 195))[0]
    image.save(tmp_path / "a.png")
    sources: list[Any] = [
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        (tmp_path / "a.png").read_bytes(),
        Image.open(tmp_path / "a.png"),
        image.convert("RGBA"),
        np.asarray(image),
    ]
    answers = [predictor.predict(source) for source in sources]
    assert len({answer.top for answer in answers}) == 1
    assert [answer.path for answer in answers[1:]] == [
        str(tmp_path / "a.png"),
        "image",
        "image",
        "image",
        "array",
    ]
    many = list(predictor.predict_many(sources))
    assert [type(answer) for answer in many] == [Prediction] * 6
    grey = np.asarray(image.convert("L"))
    assert predictor.predict(grey).top == predictor.predict(grey[..., None]).top


def test_an_image_of_pillow_is_turned_upright_like_its_file(predictor: Predictor) -> None:
    image = scene((200, 40, 50), (210, 205, 195))[0].transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    content = packed(image, "PNG", exif=exif)
    with Image.open(io.BytesIO(content)) as opened:
        assert predictor.predict(opened).top == predictor.predict(content).top


WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "tensor": (
        lambda: torch.zeros(28, 28),
        ConfigError,
        r"of type torch\.Tensor; allowed: a path.*convert it with \.numpy\(\) to uint8",
    ),
    "list": (
        lambda: ["a.png"],
        ConfigError,
        "of type list; .*for several images call predict_many",
    ),
    "none": (lambda: None, ConfigError, "of type NoneType; allowed: a path"),
    "floats": (
        lambda: np.zeros((40, 40)),
        DataError,
        r"array is float64 \[40, 40\]; allowed: uint8 .*\(255 \* array\)\.round\(\)",
    ),
    "batch": (
        lambda: np.zeros((2, 40, 40, 3), np.uint8),
        DataError,
        "for several images call predict_many",
    ),
    "empty": (lambda: np.zeros((0, 40), np.uint8), DataError, r"array is uint8 \[0, 40\]"),
    "four channels": (lambda: np.zeros((40, 40, 4), np.uint8), DataError, r"\[40, 40, 4\]"),
    "no path": (lambda: "", DataError, "the path is empty"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_image_is_named(kind: str, predictor: Predictor) -> None:
    make, error, message = WRONG[kind]
    with pytest.raises(error, match=message) as told:
        predictor.predict(make())
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "images",
    [
        "a.png",
        Path("a.png"),
        b"bytes",
        Image.new("L", (9, 9)),
        np.zeros((9, 9)),
        np.zeros((9, 9, 3)),
        7,
        None,
    ],
)
def test_one_image_in_place_of_many_is_refused_at_once(images: Any, predictor: Predictor) -> None:
    with pytest.raises(ConfigError, match="predict_many was given"):
        predictor.predict_many(images)


@pytest.mark.parametrize("option", ["top", "workers", "batch_size"])
def test_numbers_below_one_are_refused(option: str, predictor: Predictor) -> None:
    options: dict[str, Any] = {option: 0}
    with pytest.raises(ConfigError, match=f"{option} is 0; allowed: 1 or more"):
        predictor.predict_many([], **options)


def test_many_are_answered_alike_by_any_number_of_workers(predictor: Predictor) -> None:
    random = np.random.default_rng(0)
    images: list[Any] = list(random.integers(0, 256, (40, 28, 28), np.uint8))
    images[7] = b"text"
    expected = [str(answer) for answer in predictor.predict_many(images, workers=1, batch_size=5)]
    found = [str(answer) for answer in predictor.predict_many(images, workers=3, batch_size=5)]
    assert found == expected
    assert expected[7].startswith("- is not an image")


def test_only_what_is_asked_for_is_kept(predictor: Predictor) -> None:
    photo = packed(scene((200, 40, 50), (210, 205, 195))[0], "PNG")
    (bare,) = predictor.predict_many([photo])
    (whole,) = predictor.predict_many([photo], keep_prepared=True)
    assert isinstance(bare, Prediction)
    assert isinstance(whole, Prediction)
    assert (bare.top, bare.warnings) == (whole.top, whole.warnings)
    assert len(whole.prepared.steps) == 4
    with pytest.raises(ConfigError, match="keep_prepared=True"):
        _ = bare.prepared


def test_batches_are_read_as_they_are_needed_and_keep_their_order() -> None:
    read = []

    def items() -> Iterator[int]:
        for i in range(1000):
            read.append(i)
            yield i

    results = map_in_order(lambda batch: [i * i for i in batch], items(), 10, 2)
    assert next(results) == 0
    assert len(read) <= 40
    assert list(results) == [i * i for i in range(1, 1000)]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_in_its_place(workers: int) -> None:
    def invert(batch: Any) -> list[float]:
        return [1 / i for i in batch]

    results = map_in_order(invert, [1, 2, 0, 4], 1, workers)
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_many_photos_are_prepared_by_other_processes(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same answers; and the processes end with the answers, however those end."""
    monkeypatch.setattr(predictor, "photo", PhotoSettings())
    photos = [scene((20 + 8 * i, 60, 200 - 7 * i), (190, 180, 160))[0] for i in range(24)]
    made: list[PhotoProcesses] = []

    def kept(most: int) -> PhotoProcesses:
        made.append(PhotoProcesses(most))
        return made[-1]

    monkeypatch.setattr("dressform.predict.predictor.PhotoProcesses", kept)
    expected = [str(answer) for answer in predictor.predict_many(photos, workers=1)]
    found = [str(answer) for answer in predictor.predict_many(photos, workers=2, batch_size=4)]
    assert found == expected
    steps = predictor.predict_many(photos, workers=2, batch_size=4, keep_prepared=True)
    assert len([next(steps) for _ in range(20)]) == 20
    steps.close()  # type: ignore[attr-defined]
    alone, whole, abandoned = (one.started for one in made)
    assert not alone
    assert whole
    assert abandoned
    assert all(process.returncode is not None for process in [*whole, *abandoned])


def test_an_array_of_paths_is_many_images(predictor: Predictor, pictures: Path) -> None:
    paths = np.array([str(pictures / "trouser.png")] * 2)
    for given in (paths, paths.astype(object)):
        answers = list(predictor.predict_many(given))
        assert all(isinstance(answer, Prediction) for answer in answers)


def test_a_data_frame_is_told_apart(predictor: Predictor) -> None:
    with pytest.raises(ConfigError, match="was given a table, .*its column of paths"):
        predictor.predict_many(Frame([["a.png"]], ["path"]))


def test_floats_of_the_models_size_are_told_in_their_own_shape(predictor: Predictor) -> None:
    with pytest.raises(DataError, match=r"array is float64 \[28, 28\]; .*; convert values 0\.\.1"):
        predictor.predict(np.zeros((28, 28)))
