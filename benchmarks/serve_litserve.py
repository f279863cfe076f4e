"""One side of serve.py: LitServe with the same ONNX model, in its own environment.

python benchmarks/serve_litserve.py MODEL_FOLDER PORT WORKERS

LitServe takes JSON or forms, no raw bodies, so the PNG file comes as base64 in JSON, as in
LitServe's own examples; it is decoded by Pillow, and requests are answered in batches of up to 64.
"""

import base64
import io
import sys
from pathlib import Path
from typing import Any

import litserve  # type: ignore[import-not-found]
import numpy as np
import onnxruntime
from PIL import Image

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Classes of images."""

    def setup(self, device: str) -> None:
        """Open the model."""
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), options)
        self.shape = tuple(self.session.get_inputs()[0].shape[1:])

    def decode_request(self, request: dict[str, str], **kwargs: Any) -> Any:
        """The image of a request."""
        file = io.BytesIO(base64.b64decode(request["image"]))
        image = Image.open(file).convert("L" if self.shape[2] == 1 else "RGB")
        return np.asarray(image.resize(self.shape[1::-1]), np.uint8).reshape(self.shape)

    def batch(self, inputs: Any) -> Any:
        """Images as one array."""
        return np.stack(inputs)

    def predict(self, batch: Any, **kwargs: Any) -> Any:
        """Probabilities of a batch."""
        powers = np.exp(self.session.run(["logits"], {"images": batch})[0])
        return powers / powers.sum(axis=1, keepdims=True)

    def unbatch(self, output: Any) -> Any:
        """Rows of a batch."""
        return list(output)

    def encode_response(self, output: Any, **kwargs: Any) -> Any:
        """A row as JSON."""
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(max_batch_size=64, batch_timeout=0.002),
        accelerator="cpu",
        workers_per_device=int(sys.argv[3]),
    )
    server.run(port=PORT, host="127.0.0.1", generate_client_file=False, log_level="warning")
