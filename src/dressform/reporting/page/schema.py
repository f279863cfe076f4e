"""The JSON documents of pages, as ``web/types.d.ts`` reads them."""

from typing import Any, Literal, NotRequired, TypedDict

EstimateDocument = dict[str, Any]
"""An estimate, as its ``to_json`` gives it, and what it is of."""


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
        "few": bool,
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


class CurvesDocument(TypedDict):
    """A class's curves: rows of x, y and threshold; the threshold is null where nothing counts as
    the class.
    """

    average_precision: EstimateDocument
    roc_auc: EstimateDocument
    precision_recall: list[list[float | None]]
    roc: list[list[float | None]]


class OperatingPointDocument(TypedDict):
    """What a threshold of the confidence does: value, lower and upper bound of each."""

    threshold: float
    coverage: list[float]
    precision: list[float] | None


class TargetDocument(TypedDict):
    """The threshold that was chosen for a precision; ``point`` is null where none reaches it."""

    precision: float
    point: OperatingPointDocument | None


class SelectiveDocument(TypedDict):
    """Coverage and precision by the threshold of the confidence.

    ``chosen_on`` is null where thresholds were chosen on the very images that they are measured on.
    ``too_few`` is the number of validation examples where they do not suffice for a threshold, and
    there are no targets then.
    """

    measured_on: str
    chosen_on: str | None
    curve: list[OperatingPointDocument]
    targets: list[TargetDocument]
    too_few: int | None


class CitedModelDocument(TypedDict):
    """What identifies a model and its data."""

    name: str
    facts: list[list[str]]


class CitationDocument(TypedDict):
    """How a page is cited."""

    date: str
    models: list[CitedModelDocument]
    text: str
    bibtex: str


class ModelDocument(TypedDict):
    """One model of a report."""

    name: str
    examples: int
    temperature: str
    facts: list[list[str]]
    missing: list[str]
    calibration: CalibrationDocument | None
    estimates: list[EstimateDocument]
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    curves: list[CurvesDocument | None]
    macro_average_precision: float | None
    macro_roc_auc: float | None
    selective: SelectiveDocument
    history: list[dict[str, Any]]
    history_note: str


class QuantisedDocument(TypedDict):
    """Coordinates in equal steps; ``ranges`` has the lowest and highest value of each column."""

    blob: str
    ranges: list[tuple[float, float]]


class ProjectionDocument(QuantisedDocument):
    """A projection of the page's images."""

    name: str
    title: str
    knn_recall: float
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
    citation: CitationDocument
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
    """The data doctor's page.

    ``files`` has the path of each image's file, or an empty text; ``large_images`` the numbers of
    the images that have a blob ``large-<number>`` of up to 256 pixels.
    """

    kind: Literal["doctor"]
    review: dict[str, Any]
    counts: list[tuple[str, int]]
    reevaluated: list[RescoredDocument]
    files: list[str]
    large_images: list[int]


def tile_of(sheets: list[SheetDocument]) -> list[int]:
    """Width and height of a page's images in pixels."""
    return [sheets[0]["width"], sheets[0]["height"]] if sheets else [28, 28]
