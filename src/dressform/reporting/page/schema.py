"""The JSON documents of pages, as ``web/types.d.ts`` reads them."""

from typing import Any, Literal, NotRequired, TypedDict


class SheetDocument(TypedDict):
    """Images of equal size, packed row by row into one large image.

    ``first`` is the number of its first image on the page; ``width`` and ``height`` are a tile's.
    """

    blob: str
    first: int
    count: int
    columns: int
    width: int
    height: int


# A keyword of Python is among its keys.
BinDocument = TypedDict(
    "BinDocument",
    {
        "from": float,
        "to": float,
        "count": int,
        "fraction": float,
        "confidence": NotRequired[float],
        "accuracy": NotRequired[float],
        "low": NotRequired[float],
        "high": NotRequired[float],
    },
)


class CalibrationDocument(TypedDict):
    """A reliability diagram and a sentence about it."""

    bins: list[BinDocument]
    summary: str


class ModelDocument(TypedDict):
    """One model of a report."""

    name: str
    examples: int
    facts: list[list[str]]
    missing: list[str]
    calibration: CalibrationDocument | None
    estimates: list[dict[str, Any]]
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    history: list[dict[str, Any]]
    history_note: str


class QuantisedDocument(TypedDict):
    """Coordinates in equal steps; ``ranges`` has the lowest and highest value of each column."""

    blob: str
    ranges: list[tuple[float, float]]


class ProjectionDocument(QuantisedDocument):
    """A projection of the page's images."""

    title: str
    explained_variance_ratio: list[float]
    three_dimensional: bool


class PageDocument(TypedDict):
    """What every page has.

    ``points`` are the first image that is a point of the projector and the one after the last.
    """

    title: str
    version: str
    made: str
    classes: list[str]
    examples: int
    tile: list[int]
    sheets: list[SheetDocument]
    runs: list[ModelDocument]
    projections: list[ProjectionDocument]
    points: list[int]


class ReportDocument(PageDocument):
    """A report, perhaps with a projector."""

    format: int
    split: str
    comparisons: list[dict[str, Any]]
    basis: QuantisedDocument | None
    neighbours_title: str
    projector_note: str


class RescoredDocument(TypedDict):
    """A model's accuracy with and without the examples that the data doctor found."""

    name: str
    split: str
    scores: list[tuple[str, dict[str, Any]]]


class DoctorDocument(PageDocument):
    """The data doctor's page."""

    kind: Literal["doctor"]
    review: dict[str, Any]
    counts: list[tuple[str, int]]
    reevaluated: list[RescoredDocument]


def tile_of(sheets: list[SheetDocument]) -> list[int]:
    """Width and height of a page's images in pixels."""
    return [sheets[0]["width"], sheets[0]["height"]] if sheets else [28, 28]
