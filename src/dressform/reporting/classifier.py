"""`write_classifier`: a trained model as one HTML file that classifies photos in any browser,
without a network.
"""

import gzip
import html
from importlib.resources import files
from pathlib import Path

import numpy as np

from dressform.core.files import write_text
from dressform.predict.predictor import Predictor
from dressform.reporting.page.blobs import Blob, array_blob
from dressform.reporting.page.template import filled, import_map, inside_script
from dressform.runs.manifest import timestamp

RUNTIME = "ort-wasm-simd-threaded.wasm.gz"


def write_classifier(path: Path, predictor: Predictor) -> None:
    """Write the page: the model, ONNX Runtime as WebAssembly, and the preparation of photos in
    JavaScript.

    Args:
        path: the HTML file.
        predictor: the model, with the photo settings and the threshold that the page uses.
    """
    card, detector = predictor.description, predictor.ood_detector
    document = {
        "name": card.name,
        "classes": card.class_names,
        "shape": list(predictor.shape),
        "threshold": predictor.threshold,
        "temperature": predictor.temperature,
        "features": card.output.features,
        "photo": None if predictor.photo is None else vars(predictor.photo),
    }
    runtime = (files("dressform") / "web" / "onnxruntime" / RUNTIME).read_bytes()
    model = gzip.compress(predictor.path.read_bytes(), 6, mtime=0)
    blobs = [Blob("runtime", "bytes", runtime), Blob("model", "bytes", model)]
    if detector is not None:
        blobs += [
            array_blob("ood_reference", detector.reference.view(np.uint16)),
            array_blob("ood_scales", detector.scales),
            array_blob("ood_distances", detector.distances),
        ]
    parts = {
        "timestamp": timestamp(),
        "model": html.escape(card.name),
        "classes": html.escape(", ".join(card.class_names)),
        "document": inside_script(document),
        "blobs": "\n".join(blob.html() for blob in blobs),
        "importmap": import_map("", "classify", "onnxruntime"),
    }
    write_text(path, filled("classify.html", parts))
