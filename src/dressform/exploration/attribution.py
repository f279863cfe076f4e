"""`attribute`: saliency maps of a predictor's answers: by gradients where the network's weights are
at hand, else by covering parts of the images.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DressformError, RunError
from dressform.exploration.occlusion import occlusion
from dressform.predict.predictor import Predictor
from dressform.runs.layout import Layout
from dressform.runs.run import Run, open_run

N_CHECKED = 16
"""Images whose logits a rebuilt network must reproduce before its gradients are believed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution:
    """Saliency maps and how they were made.

    Attributes:
        maps: uint8 [N, h, w], 0 to 255, where 255 is the maximum of each image.
        method: name of the method.
        paper: where it was published.
        address: of the paper.
        explanation: what a map shows, for people.
        reason: why no gradients were used, or an empty text.
    """

    maps: NDArray[np.uint8]
    method: str
    paper: str
    address: str
    explanation: str
    reason: str = ""


def attribute(predictor: Predictor, images: NDArray[np.uint8]) -> Attribution:
    """Compute the saliency map of the predicted class of each image.

    Args:
        predictor: of a run, whose network then gives HiResCAM maps; or of any folder with
            ``model.onnx``, or of a run whose network cannot be rebuilt, for occlusion sensitivity.
        images: uint8 [N, H, W, C], one or more, of the model's size.
    """
    try:
        maps = _by_gradients(predictor, images)
    except DressformError as error:
        return Attribution(
            maps=occlusion(predictor.logits, images),
            method="occlusion sensitivity",
            paper="Zeiler and Fergus 2014",
            address="https://arxiv.org/abs/1311.2901",
            explanation="Bright where covering the image with a patch lowers the probability of "
            "the predicted class most.",
            reason=str(error),
        )
    return Attribution(
        maps=maps,
        method="HiResCAM",
        paper="Draelos and Carin 2020",
        address="https://arxiv.org/abs/2011.08891",
        explanation="Bright where the image contributes most to the predicted class: activation "
        "times gradient of the last feature map.",
    )


def _by_gradients(predictor: Predictor, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """HiResCAM maps.

    Raises:
        DressformError: the model is no run's, or its network cannot be rebuilt.
    """
    run = _run_of(predictor)  # before torch is imported, which nothing but a run needs
    from dressform.exploration.saliency import check_same, load_network, saliency
    from dressform.recipes import is_named

    if not is_named(run.manifest.reference):
        raise RunError(
            f"the network of {run.path} is built by a file of a user's, which is not run here"
        )
    try:
        network = load_network(run)
        checked = images[:N_CHECKED]
        check_same(network, checked, predictor.logits(checked), run)
        return saliency(network, images)
    except DressformError:
        raise
    except Exception as error:  # a network of another version may raise anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(f"the network of {run.path} cannot be used ({reason})") from error


def _run_of(predictor: Predictor) -> Run:
    """The run that a predictor's model belongs to.

    Raises:
        RunError: it belongs to none.
    """
    folder = predictor.path.parent.parent
    if Layout(folder).onnx != predictor.path or not Layout(folder).manifest.is_file():
        raise RunError(f"{predictor.path.parent} has no weights beside model.onnx, only a run has")
    return open_run(folder)
