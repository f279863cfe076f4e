"""`Prediction`: the answer to one image."""

from dataclasses import dataclass

from dressform.core.display import bar, brief, paragraph, table
from dressform.core.errors import ConfigError
from dressform.core.numbers import percent
from dressform.data.photo import PreparedImage
from dressform.data.thumbnails import thumbnail


@dataclass(frozen=True)
class Prediction:
    """The prediction of one image.

    Attributes:
        path: of the image, as given.
        top: (class name, probability), most probable first.
        ood_p_value: conformal p-value of the image, 0..1 (:mod:`dressform.predict.ood`); None if
            unknown.
        abstain: whether it is at most the predictor's threshold, so that the classes are
            unreliable; None if the model cannot tell.
        warnings: about the image, one line each.
        kept: the network's input and how it was made; None unless it was asked for.
    """

    path: str
    top: tuple[tuple[str, float], ...]
    ood_p_value: float | None = None
    abstain: bool | None = None
    warnings: tuple[str, ...] = ()
    kept: PreparedImage | None = None

    def __repr__(self) -> str:
        classes = [f"{name} {percent(p)}" for name, p in self.top]
        return brief(self, self.path, "unsure" if self.abstain else "", *classes)

    def _repr_html_(self) -> str:
        rows = [[name, percent(p), bar(p)] for name, p in self.top]
        images = []
        if self.kept is not None:
            steps = self.kept.steps or (("", self.kept.pixels),)
            shown = [steps[0], steps[-1]] if len(steps) > 1 else list(steps)
            images = [thumbnail(image, title=text, side=112) for text, image in shown]
        unsure = "unsure: " if self.abstain else ""
        return (
            paragraph(f"{self.path}: {unsure}{self.top[0][0] if self.top else ''}")
            + f'<div style="display: flex; gap: 1em; align-items: center">{"".join(images)}'
            + f"{table(['class', 'probability', ''], rows)}</div>"
            + "".join(map(paragraph, self.warnings))
        )

    @property
    def prepared(self) -> PreparedImage:
        """The network's input and how it was made.

        Raises:
            ConfigError: they were not kept.
        """
        if self.kept is None:
            raise ConfigError(
                "how images are prepared was not kept; call predict_many with keep_prepared=True"
            )
        return self.kept


def doubts(p_value: float | None) -> tuple[str, ...]:
    """Why a model abstains."""
    return (
        f"does not look like the training images: only {percent(p_value or 0, 1)} of validation "
        f"images are this unusual",
    )
