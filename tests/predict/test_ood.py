"""Whether a picture is like the training pictures: on features that we placed, and with a trained
run.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import RunError
from dressform.data.dataset import DatasetSplits
from dressform.predict.features import penultimate
from dressform.predict.ood import N_NEIGHBOURS, OODDetector, block_statistics, kth_smallest
from dressform.predict.predictor import Predictor
from dressform.predictions.examples import examples_of
from dressform.runs.run import Run


def directions(n: int, seed: int, centre: int = 0) -> np.ndarray:
    """Features around one axis of 16."""
    found = np.random.default_rng(seed).normal(0, 0.2, (n, 16)).astype(np.float32)
    found[:, centre] += 1
    return found


def blank(n: int) -> np.ndarray:
    """Pictures that all look the same, so that features alone tell."""
    return np.zeros((n, 14, 14, 1), np.uint8)


def fitted(training: np.ndarray, unseen: np.ndarray) -> OODDetector | None:
    correct = np.arange(len(unseen)) % 10 > 0
    return OODDetector.fit(training, blank(len(training)), unseen, blank(len(unseen)), correct)


def test_how_a_picture_looks() -> None:
    image = np.zeros((1, 14, 21, 2), np.uint8)
    image[0, 2:4, 3:6, 1] = 255  # the part in the second row and column
    image[0, 0, 0:3, 0] = 102
    means, spreads = (part.reshape(7, 7, 2) for part in block_statistics(image))
    assert means[1, 1].tolist() == [0, 1]
    assert means[0, 0] == pytest.approx([0.2, 0])
    assert spreads[0, 0] == pytest.approx([0.2, 0])
    assert np.count_nonzero(means) == 2
    assert np.count_nonzero(spreads) == 1
    for side in (1, 3, 10, 28, 30):
        means, spreads = block_statistics(np.full((2, side, side, 3), 51, np.uint8))
        assert means.shape == spreads.shape == (2, 147)
        np.testing.assert_allclose(means, 0.2, atol=1e-6)
        np.testing.assert_allclose(spreads, 0, atol=1e-6)


def test_what_looks_otherwise_is_unusual_though_its_features_are_usual() -> None:
    random = np.random.default_rng(0)
    images = random.integers(60, 90, (400, 14, 14, 1), dtype=np.uint8)
    images[:, :7] //= 2
    features = directions(400, 0)
    found = OODDetector.fit(
        features[:300], images[:300], features[300:], images[300:], np.ones(100, np.bool_)
    )
    assert found is not None
    assert np.median(found.p_values(features[300:], images[300:])) == pytest.approx(0.5, abs=0.05)
    for other in (
        images[300:, ::-1],
        255 - images[300:],
        images[300:] * random.integers(0, 2, images[300:].shape, dtype=np.uint8),
    ):
        assert (found.p_values(features[300:], other) <= 0.05).mean() > 0.9


def test_how_often_it_is_right_where_it_does_not_abstain() -> None:
    training = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    # the farther from the first axis, the later; the model is wrong about every tenth from the
    # first
    unseen = np.array([[1, t, 0] for t in np.linspace(0.02, 1, 50)], np.float32)
    found = fitted(training, unseen)
    assert found is not None
    assert found.answered(0.0).all()
    p_values = found.p_values(unseen, blank(50))
    for threshold in (0.05, 0.5, 0.99):
        kept = p_values > threshold
        assert found.answered(threshold).sum() == kept.sum()
        right = found.correct[found.answered(threshold)].sum()
        assert right == (kept & (np.arange(50) % 10 > 0)).sum()
    assert not found.answered(1.0).any()


def test_the_tenth_smallest_is_that_of_a_sort() -> None:
    rng = np.random.default_rng(0)
    for shape in ((3, 10), (1, 99), (4, 101), (0, 500), (5, 10_000)):
        rows = rng.integers(0, 200, shape).astype(np.float32)  # with many ties
        np.testing.assert_array_equal(kth_smallest(rows, 10), np.sort(rows, axis=1)[:, 9])
    rows[0, 50:], rows[1] = np.inf, np.nan
    np.testing.assert_array_equal(kth_smallest(rows, 10), np.sort(rows, axis=1)[:, 9])


def test_p_values_by_hand() -> None:
    training = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    # the farther from the first axis, the later
    unseen = np.array([[1, t, 0] for t in np.linspace(0.02, 1, 50)], np.float32)
    found = fitted(training, unseen)
    assert found is not None
    expected = 2 - 2 / np.sqrt(1 + np.linspace(0.02, 1, 50) ** 2)
    np.testing.assert_allclose(found.distances, expected, atol=5e-4)
    np.testing.assert_allclose(found.p_values(np.array([[1, 0, 0]], np.float32), blank(1)), 1)
    np.testing.assert_allclose(
        found.p_values(np.array([[1, 0.51, 0]], np.float32), blank(1)), 26 / 51, atol=0.03
    )
    np.testing.assert_allclose(found.p_values(np.array([[-1, 0, 0]], np.float32), blank(1)), 1 / 51)
    np.testing.assert_allclose(
        found.p_values(7 * np.array([[-1, 0, 0]], np.float32), blank(1)), 1 / 51
    )


def test_p_values_of_what_is_alike_are_uniform_and_of_what_is_not_are_small() -> None:
    found = fitted(directions(3000, 0), directions(2000, 1))
    assert found is not None
    alike = found.p_values(directions(4000, 2), blank(4000))
    for share in (0.02, 0.1, 0.5):
        assert abs((alike <= share).mean() - share) < 0.02 + 3 * np.sqrt(share / 2000)
    assert (found.p_values(directions(500, 3, centre=5), blank(500)) <= 0.02).all()


def test_too_few_pictures_give_none_and_many_are_thinned() -> None:
    assert fitted(directions(N_NEIGHBOURS, 0), directions(100, 1)) is None
    assert fitted(directions(100, 0), directions(49, 1)) is None
    found = fitted(directions(25_000, 0), directions(60, 1))
    assert found is not None
    assert found.reference.shape == (10_000, 16 + 2 * 49)
    assert found.reference.dtype == np.float16


def test_it_is_kept(tmp_path: Path) -> None:
    found = fitted(directions(100, 0), directions(60, 1))
    assert found is not None
    found.save(tmp_path / "ood_reference.npz")
    again = OODDetector.load(tmp_path / "ood_reference.npz")
    np.testing.assert_array_equal(again.reference, found.reference)
    np.testing.assert_array_equal(again.scales, found.scales)
    np.testing.assert_array_equal(again.distances, found.distances)
    np.savez(tmp_path / "other.npz", reference=found.reference)
    with pytest.raises(RunError, match="is not an OOD detector as this version writes it"):
        OODDetector.load(tmp_path / "other.npz")


def test_p_values_are_those_of_the_features(named_run: Run, small: DatasetSplits) -> None:
    assert small.test is not None
    predictor = Predictor(named_run)
    usual = predictor.ood_p_values(small.test.images)
    ood_detector = OODDetector.load(named_run.layout.ood_reference)
    assert usual is not None
    np.testing.assert_array_equal(
        predictor.ood_p_values(small.test.images.transpose(0, 3, 1, 2)), usual
    )
    np.testing.assert_array_equal(
        usual,
        ood_detector.p_values(
            penultimate(named_run.layout.onnx, small.test.images).values, small.test.images
        ),
    )


def test_a_run_is_sure_of_clothes_and_not_of_noise(named_run: Run, small: DatasetSplits) -> None:
    pictures = examples_of(named_run.predictions("test"), small, "test")
    predictor = Predictor(named_run)
    clothes = [predictor.predict(image) for image in pictures.images[:100]]
    assert sum(bool(answer.abstain) for answer in clothes) <= 10
    random = np.random.default_rng(0)
    noise = [
        predictor.predict(image)
        for image in random.integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
    ]
    assert sum(bool(answer.abstain) for answer in noise) >= 18
    unsure = next(answer for answer in noise if answer.abstain)
    assert unsure.warnings[0].startswith("does not look like the training images")
    always = Predictor(named_run, threshold=0)
    assert not any(
        always.predict(image).abstain
        for image in random.integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
    )


def test_a_model_without_known_pictures_answers_always(named_run: Run, tmp_path: Path) -> None:
    for path in (named_run.layout.onnx, named_run.layout.model):
        shutil.copy(path, tmp_path)
    answer = Predictor(tmp_path).predict(np.zeros((28, 28), np.uint8))
    assert (answer.ood_p_value, answer.abstain, answer.warnings) == (None, None, ())
