"""A Triton client asks a dressform service: lists, checks and infers, in JSON and binary.

    python benchmarks/service_triton.py MODEL --triton PATH/TO/python

MODEL is a run or a folder with model.onnx and model.json; the other Python has
``tritonclient[http]``. The answers have to equal those of the predictor for the same 50 test images
of Fashion-MNIST.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from report import write_report
from serve import PORT, dressform_side, wait_for

import dressform
from dressform.predict.model_folder import weights_folder

PNG = Path(__file__).resolve().parents[1] / "examples" / "images" / "pullover.png"
COUNT = 50
CLIENT = """
import json, sys
from importlib.metadata import version
import numpy as np
import tritonclient.http as http

given = json.loads(sys.argv[1])
images = np.load(given["images"])
headers = {"Authorization": given["authorization"]}
client = http.InferenceServerClient(given["host"])
name = given["model"]
metadata = client.get_model_metadata(name, headers=headers)
(described,) = metadata["inputs"]
found = {
    "tritonclient": version("tritonclient"),
    "live": client.is_server_live(headers=headers),
    "ready": client.is_server_ready(headers=headers),
    "server": client.get_server_metadata(headers=headers),
    "model ready": client.is_model_ready(name, headers=headers),
    "version ready": client.is_model_ready(name, "1", headers=headers),
    "listed": [one["name"] for one in client.get_model_repository_index(headers=headers)],
    "inputs": metadata["inputs"],
    "outputs": metadata["outputs"],
}
for form, binary in (("json", False), ("binary", True)):
    tensor = http.InferInput(described["name"], list(images.shape), described["datatype"])
    tensor.set_data_from_numpy(images, binary_data=binary)
    wanted = [
        http.InferRequestedOutput(one["name"], binary_data=binary) for one in metadata["outputs"]
    ]
    answer = client.infer(name, [tensor], outputs=wanted, headers=headers)
    for one in metadata["outputs"]:
        np.save(given["images"] + f"-{form}-{one['name']}.npy", answer.as_numpy(one["name"]))
print(json.dumps(found))
"""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--triton", required=True, help="the Python that has tritonclient[http]")
    options = parser.parse_args()
    data = dressform.load_data("fashion-mnist")
    assert data.test is not None
    images = data.test.images[:COUNT]
    weights = weights_folder(options.model)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        np.save(file, images)
        found = ask(weights, file, options.triton)
        logits = {form: np.load(f"{file}-{form}-logits.npy") for form in ("json", "binary")}
    predictor = dressform.Predictor(weights)
    expected = [predictor.predict(image).top[0][0] for image in images[..., 0]]
    names = np.array(predictor.class_names)
    agree = {
        form: int((names[values.argmax(axis=1)] == expected).sum())
        for form, values in logits.items()
    }
    results = {
        "n": COUNT,
        "found": found,
        "same class as the predictor": agree,
        "largest difference between JSON and binary": float(
            np.abs(logits["json"] - logits["binary"]).max()
        ),
    }
    print(json.dumps(results, indent=2))
    write_report(
        "service-triton", "python benchmarks/service_triton.py MODEL --triton PYTHON", results
    )


def ask(weights: Path, images: Path, triton: str) -> dict[str, Any]:
    """What the client finds at a server that is started for it."""
    with dressform_side(weights) as side:
        given = {
            "host": f"127.0.0.1:{PORT}",
            "model": side.path.split("/")[-2],
            "authorization": side.headers["Authorization"],
            "images": str(images),
        }
        wait_for(side, PNG.read_bytes())
        command = [triton, "-c", CLIENT, json.dumps(given)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


if __name__ == "__main__":
    main()
