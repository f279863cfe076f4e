"""A Triton client asks a dressform service: lists, checks and infers, in JSON and binary.

    python benchmarks/service_triton.py MODEL --triton PATH/TO/python

MODEL is a run or a folder with model.onnx and model.json; the other Python has
``tritonclient[http]``. The answers have to equal those of the predictor for the same 50 test images
of Fashion-MNIST.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from report import write_report

import dressform
from dressform.predict.model_folder import weights_folder

HERE = Path(__file__).resolve().parent
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
        found = ask(weights, Path(folder) / "service", file, options.triton)
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


def ask(weights: Path, storage: Path, images: Path, triton: str) -> dict[str, Any]:
    """What the client finds at a server that is started for it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]  # free a moment ago
    command = [
        sys.executable,
        str(HERE / "serve_dressform.py"),
        str(weights),
        str(storage),
        str(port),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        given = {
            "host": f"127.0.0.1:{port}",
            "model": told["path"].split("/")[-2],
            "authorization": told["authorization"],
            "images": str(images),
        }
        try:
            wait_for(port)
            done = subprocess.run(
                [triton, "-c", CLIENT, json.dumps(given)],
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def wait_for(port: int) -> None:
    """Until the server takes connections."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not start")


if __name__ == "__main__":
    main()
