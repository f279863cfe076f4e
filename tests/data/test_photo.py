"""Photos of things on floors whose outlines we know."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from dressform.core.errors import DataError
from dressform.core.records import read_record
from dressform.data import mixture as mixtures
from dressform.data.dataset import DatasetSplits
from dressform.data.foreground import Foreground, rgb_to_lab, segment_foreground
from dressform.data.image import open_image, upright
from dressform.data.mixture import Mixture, quadratic_terms
from dressform.data.photo import (
    NO_FOREGROUND,
    PhotoSettings,
    is_photo,
    photo_settings_for,
    prepare,
)

SHIRT = [
    (40, 30),
    (60, 22),
    (75, 30),
    (90, 22),
    (110, 30),
    (132, 70),
    (114, 80),
    (106, 64),
    (106, 150),
    (44, 150),
    (44, 64),
    (36, 80),
    (18, 70),
]


def scene(
    garment: tuple[int, int, int],
    floor: tuple[int, int, int],
    *,
    noise: float = 6,
    planks: float = 0,
    seed: int = 0,
) -> tuple[Image.Image, NDArray[np.bool_]]:
    """A shirt on a floor of planks, 150 x 180, and which pixels are the shirt's."""
    random = np.random.default_rng(seed)
    pixels = np.full((180, 150, 3), floor, np.float64)
    pixels += planks * np.sin(np.arange(150) / 5)[None, :, None]
    outline = Image.new("1", (150, 180))
    ImageDraw.Draw(outline).polygon(SHIRT, fill=1)
    mask = np.asarray(outline)
    folds = 10 * np.sin(np.arange(180) / 9)[:, None, None]
    pixels = np.where(mask[..., None], np.array(garment) + folds, pixels) + random.normal(
        0, noise, (180, 150, 1)
    )
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), mask


def cut_out(garment: tuple[int, int, int], under: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """The same shirt with a hole, cut out and cropped; ``under`` is the colour that nobody sees."""
    image, mask = scene(garment, under)
    opaque = mask.copy()
    opaque[90:110, 60:90] = False
    pixels = np.where(opaque[..., None], np.asarray(image), under)
    clear = Image.fromarray(pixels.astype(np.uint8)).convert("RGBA")
    clear.putalpha(Image.fromarray((opaque * 255).astype(np.uint8)))
    return clear.crop(clear.getchannel("A").getbbox())


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(
    ("garment", "floor", "planks"),
    [
        ((200, 40, 50), (210, 205, 195), 8),
        ((25, 25, 30), (180, 140, 100), 12),
        ((240, 240, 238), (140, 20, 40), 10),
        ((240, 240, 238), (120, 90, 60), 20),
        ((70, 90, 130), (90, 88, 86), 4),
        ((190, 170, 150), (150, 175, 190), 4),
    ],
)
def test_a_shirt_on_a_floor_is_found(
    garment: tuple[int, int, int], floor: tuple[int, int, int], planks: float
) -> None:
    image, truth = scene(garment, floor, planks=planks)
    foreground = segment_foreground(np.asarray(image))
    assert foreground is not None
    assert overlap(foreground.mask, truth) > 0.93
    assert foreground.objects == 1
    assert foreground.cut == 0


def test_nothing_stands_out_from_a_bare_floor() -> None:
    floor = np.random.default_rng(0).normal(150, 6, (120, 90, 3)).clip(0, 255).astype(np.uint8)
    prepared = prepare(Image.fromarray(floor), (28, 28, 1), PhotoSettings())
    assert prepared.pixels.shape == (28, 28, 1)
    if not prepared.warnings:
        pytest.fail("a bare floor has no thing on it")


def test_holes_are_filled_and_specks_left_out() -> None:
    image, truth = scene((30, 60, 160), (205, 200, 190))
    pixels = np.asarray(image).copy()
    pixels[90:100, 70:80] = (205, 200, 190)
    pixels[3:7, 140:144] = (30, 60, 160)
    foreground = segment_foreground(pixels)
    assert foreground is not None
    assert foreground.mask[95, 75]
    assert not foreground.mask[:10, 130:].any()
    assert overlap(foreground.mask, truth) > 0.93


def test_two_shoes_are_two_objects_and_both_are_used() -> None:
    image = Image.new("RGB", (160, 120), (200, 190, 170))
    pen = ImageDraw.Draw(image)
    for left in (30, 95):
        pen.ellipse([left, 20, left + 40, 100], fill=(40, 30, 30))
    prepared = prepare(image, (28, 28, 1), PhotoSettings())
    assert any("2 separate objects were found" in line for line in prepared.warnings)
    columns = prepared.pixels[14, :, 0]
    assert columns[4] > 0
    assert columns[23] > 0
    assert columns[14] == 0


@pytest.mark.parametrize("garment", [(240, 240, 240), (20, 20, 25), (128, 128, 128)])
def test_the_garment_is_bright_on_black_in_the_middle_and_not_squashed(
    garment: tuple[int, int, int],
) -> None:
    image, truth = scene(garment, (150, 60, 50))
    prepared = prepare(image, (28, 28, 1), PhotoSettings())
    pixels = prepared.pixels[..., 0]
    assert np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])) == 0
    assert np.median(pixels[pixels > 0]) >= 85
    down, across = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    assert (down[0], down[-1]) in {(1, 26), (1, 25), (2, 26)}
    assert abs((across[0] + across[-1]) / 2 - 13.5) <= 1
    height, width = (np.ptp(np.flatnonzero(truth.any(axis=axis))) + 1 for axis in (1, 0))
    assert abs((across[-1] - across[0] + 1) / (down[-1] - down[0] + 1) - width / height) < 0.08
    assert [pixels.ndim for _, pixels in prepared.steps] == [3, 3, 2, 2]


def test_a_model_of_colours_keeps_them() -> None:
    image, _ = scene((200, 40, 50), (210, 205, 195))
    prepared = prepare(image, (64, 48, 3), PhotoSettings())
    assert prepared.pixels.shape == (64, 48, 3)
    assert (
        np.abs(
            np.median(prepared.pixels[30:40, 20:28].reshape(-1, 3), axis=0) - (200, 40, 50)
        ).max()
        < 15
    )
    assert prepared.pixels[0].max() == 0


def test_a_photo_larger_than_the_model_keeps_its_detail() -> None:
    """A pattern of two pixels on the photo is there in a picture of 128 pixels."""
    image, _ = scene((200, 40, 50), (210, 205, 195))
    large = image.resize((1500, 1800), Image.Resampling.BICUBIC)
    stripes = np.asarray(large).copy()
    stripes[700:1100:24, 500:1000] = stripes[701:1100:24, 500:1000] = 20
    for i in range(12):
        stripes[700 + i : 1100 : 24, 500:1000] = 20
    prepared = (
        prepare(Image.fromarray(stripes), (128, 128, 1), PhotoSettings()).pixels[..., 0].astype(int)
    )
    assert np.abs(np.diff(prepared[50:75, 64])).max() > 30


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["noise", "flat", "half"]),
)
def test_any_picture_gives_a_picture(width: int, height: int, seed: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "flat":
        pixels[:] = pixels[0, 0]
    if kind == "half":
        pixels[: height // 2] = 255
    for shape in ((28, 28, 1), (20, 33, 3)):
        prepared = prepare(Image.fromarray(pixels), shape, PhotoSettings())
        assert prepared.pixels.shape == shape
        assert prepared.pixels.dtype == np.uint8
        np.testing.assert_array_equal(
            prepared.pixels, prepare(Image.fromarray(pixels), shape, PhotoSettings()).pixels
        )


def test_things_on_black_are_told_from_photos(small: DatasetSplits) -> None:
    assert photo_settings_for(small.train.images) == PhotoSettings()
    assert photo_settings_for(255 - small.train.images) is None
    assert not is_photo(Image.fromarray(small.train.images[0, ..., 0]))
    assert is_photo(scene((200, 40, 50), (210, 205, 195))[0])


def test_a_photo_lying_on_its_side_is_turned_first() -> None:
    image, _ = scene((200, 40, 50), (210, 205, 195))
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(stream, "PNG", exif=exif)
    turned = prepare(open_image(stream.getvalue()), (28, 28, 1), PhotoSettings())
    np.testing.assert_array_equal(
        turned.pixels, prepare(image, (28, 28, 1), PhotoSettings()).pixels
    )


@pytest.mark.parametrize(
    "document", [{"side": 2}, {"side": "x"}, {"margin": 0.7}, {"median": "x"}, [1], "on"]
)
def test_settings_that_are_none_are_refused(document: object) -> None:
    with pytest.raises(DataError, match=r"model.json is damaged .*; damaged$"):
        read_record(PhotoSettings, document, Path("model.json"), advice="damaged", refuse=DataError)


def test_lab_of_known_colours() -> None:
    """Values of Lindbloom's calculator (D65, 2 degrees)."""
    known = {
        (255, 255, 255): (100, 0, 0),
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (0, 0, 0): (0, 0, 0),
    }
    for colour, expected in known.items():
        np.testing.assert_allclose(
            rgb_to_lab(np.array([[colour]], np.uint8))[0, 0], expected, atol=0.3
        )


def test_a_mixture_finds_two_colours() -> None:
    random = np.random.default_rng(0)
    one, other = (
        random.normal((50, 40, 20), 3, (3000, 3)),
        random.normal((80, -20, 0), 3, (1000, 3)),
    )
    both = np.concatenate([one, other])
    mixture = Mixture(quadratic_terms(both), np.ones(len(both), np.bool_), 3)
    colours = np.array([[50, 40, 20], [80, -20, 0], [65, 10, 10]], np.float32)
    logs = mixture.log_density(quadratic_terms(colours))
    assert logs[0] > logs[1] > logs[2] + 10
    assert 0.5 < logs[0] - logs[1] < 2  # three times as many


def plain_clusters(colours: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """k-means, as web/classify/mixture.js has it: the cluster of each colour [N, 3]."""

    def distances(centre: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((colours - centre) ** 2).sum(axis=1))

    centres = [colours[distances(colours.mean(axis=0)).argmin()]]
    to_nearest = distances(centres[0])
    for _ in range(k - 1):
        order = np.argsort(to_nearest, kind="stable")
        centres.append(colours[order[int(0.95 * (len(colours) - 1))]])
        to_nearest = np.minimum(to_nearest, distances(centres[-1]))
    for _ in range(mixtures.ITERATIONS):
        nearest = np.argmin([distances(centre) for centre in centres], axis=0)
        for cluster in set(nearest.tolist()):
            centres[cluster] = colours[nearest == cluster].mean(axis=0)
    return np.asarray(np.argmin([distances(centre) for centre in centres], axis=0))


def plain_log_density(
    colours: NDArray[np.float64], clusters: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mixture of these clusters of colours [N, 3], by SciPy: [N]."""
    parts = []
    for cluster in set(clusters.tolist()):
        members = colours[clusters == cluster]
        if len(members) < max(4, mixtures.MIN_FRACTION * len(colours)):
            continue
        covariance = np.cov(members.T, bias=True) + np.diag(mixtures.VARIANCE_FLOOR)
        normal = multivariate_normal(members.mean(axis=0), covariance)
        parts.append(np.log(len(members) / len(colours)) + normal.logpdf(colours))
    return np.asarray(logsumexp(parts, axis=0))


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(60, 400), st.integers(1, 5))
def test_a_mixture_is_that_of_the_plain_formulas(
    seed: int, distinct: int, count: int, components: int
) -> None:
    """Also where many pixels have one colour, so that there are fewer clusters than were wanted."""
    random = np.random.default_rng(seed)
    palette = np.round(random.uniform((0, -80, -80), (100, 80, 80), (distinct, 3)) * 64) / 64
    colours = palette[random.integers(0, distinct, count)]
    expected = plain_log_density(colours, plain_clusters(colours, components))
    terms = quadratic_terms(colours)
    found = Mixture(terms, np.ones(count, np.bool_), components).log_density(terms)
    offset = 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, expected + offset, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("garment", [(25, 25, 30), (250, 250, 248), (200, 40, 50)])
@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 48, 3), (256, 256, 1)])
def test_the_object_of_a_cut_out_is_what_is_opaque(
    garment: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    image = upright(cut_out(garment))
    alpha = cut_out(garment).getchannel("A")
    assert is_photo(image)

    def outline(pixels: NDArray[np.uint8]) -> Foreground:
        small = alpha.resize(pixels.shape[1::-1], Image.Resampling.BOX)
        return Foreground(np.asarray(small) >= 128, 1, 0)

    opaque = upright(cut_out(garment))
    opaque.info.clear()  # a photo on white whose object somebody knows
    expected = prepare(opaque, shape, PhotoSettings(), segment=outline).pixels
    prepared = prepare(image, shape, PhotoSettings())
    assert np.array_equal(prepared.pixels, expected)
    assert prepared.warnings == ()
    bright = prepared.pixels[prepared.pixels > 0]
    assert np.median(bright) >= 80 or shape[2] == 3
    middle = prepared.pixels[3 * shape[0] // 5, shape[1] // 2]
    assert (middle == 0).all()  # the hole


def test_colours_below_transparent_pixels_make_no_difference() -> None:
    found = [
        prepare(upright(cut_out((200, 40, 50), under)), (28, 28, 1), PhotoSettings()).pixels
        for under in ((0, 0, 0), (255, 255, 255), (20, 250, 30))
    ]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_a_photo_with_round_corners_is_no_cut_out() -> None:
    image, _ = scene((200, 40, 50), (210, 205, 195))
    round_corners = image.convert("RGBA")
    for corner in ((0, 0), (140, 0), (0, 170), (140, 170)):
        round_corners.paste((0, 0, 0, 0), (*corner, corner[0] + 10, corner[1] + 10))
    asked = []

    def segment(pixels: NDArray[np.uint8]) -> Foreground | None:
        asked.append(pixels.shape)
        return segment_foreground(pixels)

    prepare(upright(round_corners), (28, 28, 1), PhotoSettings(), segment=segment)
    assert len(asked) == 1


def test_a_cut_out_without_an_object() -> None:
    image = upright(Image.new("RGBA", (90, 80)))
    assert prepare(image, (28, 28, 1), PhotoSettings()).warnings == (NO_FOREGROUND,)
