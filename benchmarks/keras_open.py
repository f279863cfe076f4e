"""The other side of keras_export.py: opens each `.keras` file in Keras. Needs no dressform.

python keras_open.py FOLDER TEMPERATURE RECIPE…
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf


def compared(path: Path, images: Any, logits: Any, temperature: float) -> dict[str, Any]:
    """How far the predictions of a file are from those of torch.

    The images are given as bytes and as floats of 0 to 255. The file is also saved again by Keras
    and trained for a step, which a file with a wrong structure does not survive.
    """
    model = keras.models.load_model(path)
    scaled = logits.astype(np.float64) / temperature
    expected = np.exp(scaled - scaled.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    found = model.predict(images, verbose=0)
    floats = model.predict(images.astype(np.float32), verbose=0)
    inner = keras.Model(model.input, model.get_layer("logits").output)
    inner_logits = inner.predict(images, verbose=0)
    again = path.with_name("again.keras")
    model.save(again)
    same = keras.models.load_model(again).predict(images, verbose=0)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    model.fit(images[:8], np.arange(8), epochs=1, verbose=0)
    return {
        "max_probability_difference": float(np.abs(found - expected).max()),
        "max_logit_difference": float(np.abs(inner_logits - logits).max()),
        "largest_logit": float(np.abs(logits).max()),
        "same_classes": int((found.argmax(1) == logits.argmax(1)).sum()),
        "float_input_equal": bool((floats == found).all()),
        "saved_again_equal": bool((same == found).all()),
        "layers": len(model.layers),
    }


def main() -> None:
    """Print a document of JSON."""
    folder, temperature = Path(sys.argv[1]), float(sys.argv[2])
    images = np.load(folder / "images.npy")
    rows = {
        recipe: compared(
            folder / f"{recipe}.keras", images, np.load(folder / f"{recipe}.npy"), temperature
        )
        for recipe in sys.argv[3:]
    }
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    sys.stdout.write(json.dumps({"versions": versions, "recipes": rows}) + "\n")


if __name__ == "__main__":
    main()
