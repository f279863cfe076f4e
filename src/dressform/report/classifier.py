"""`write_classifier`: a trained model as one HTML file that classifies photos in any browser,
without a network.
"""

import gzip
import html
from importlib.resources import files
from pathlib import Path

import numpy as np

from dressform.core.errors import ConfigError
from dressform.core.files import write_text
from dressform.predict.predictor import Predictor
from dressform.report.page.blobs import Blob, array_blob
from dressform.report.page.template import filled, import_map, inside_script
from dressform.runs.manifest import timestamp

RUNTIME = "ort-wasm-simd-threaded.wasm.gz"


def write_classifier(path: Path, predictor: Predictor) -> None:
    """Write the page: the model, ONNX Runtime as WebAssembly, and the preparation of photos as
    JavaScript.

    Args:
        path: the HTML file; folders on the way to it are made.
        predictor: the model, with the settings for photos and the threshold that the page will
            have.

    Raises:
        ConfigError: the path is a folder.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the name of an HTML file")
    path.parent.mkdir(parents=True, exist_ok=True)
    described = predictor.description
    document = {
        "name": described.name,
        "classes": described.class_names,
        "shape": list(predictor.shape),
        "threshold": predictor.threshold,
        "features": described.output.features,
        "photo": None if predictor.photo is None else vars(predictor.photo),
    }
    blobs = [
        Blob(
            "runtime", "bytes", (files("dressform") / "web" / "onnxruntime" / RUNTIME).read_bytes()
        ),
        Blob("model", "bytes", gzip.compress(predictor.path.read_bytes(), 6, mtime=0)),
    ]
    if predictor.ood_detector is not None:
        blobs.append(array_blob("known", predictor.ood_detector.reference.view(np.uint16)))
        blobs += [
            array_blob("scales", predictor.ood_detector.scales),
            array_blob("distances", predictor.ood_detector.distances),
        ]
    parts = {
        "moment": timestamp(),
        "model": html.escape(described.name),
        "classes": html.escape(", ".join(described.class_names)),
        "document": inside_script(document),
        "blobs": "\n".join(blob.html() for blob in blobs),
        "importmap": import_map("", "classify", "onnxruntime"),
    }
    write_text(path, filled("classify.html", parts))
