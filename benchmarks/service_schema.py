"""schemathesis against a running service: no 5xx, and no answer that the OpenAPI document does not
describe.

    python benchmarks/service_schema.py MODEL --schemathesis PATH/TO/schemathesis [--examples 50]
        [--seed 1]

The service is started as an operator does, without workers, with MODEL, a run or a folder with
model.onnx and model.json, as a project's. schemathesis (an environment of its own) makes requests
from /openapi.json with an admin key: from the examples and limits of each parameter, at random, and
in sequences.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from placed_model import place_model
from report import write_report
from service_process import service

from dressform.predict.model_folder import weights_folder
from dressform.service.database.connection import Database
from dressform.service.settings import ServiceSettings
from dressform.service.store import Store

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
EVENTS = "/api/v1/jobs/{job_id}/events"
"""Streams until the job ends."""


def main() -> None:
    """Run it and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--schemathesis", required=True, help="its program")
    parser.add_argument("--examples", type=int, default=50, help="at random, of each operation")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storage = Path(folder, "storage")
        with service(storage, "--workers", "0") as running:
            headers = {"Authorization": f"Bearer {running.key}"}
            with httpx.Client(base_url=running.url, headers=headers, timeout=60) as client:
                facts = {"name": "Shop", "classes": ["Hat", "Shoe"]}
                project = client.post("/api/v1/projects", json=facts).raise_for_status().json()
                paths = client.get("/openapi.json").json()["paths"]
            database = Database(ServiceSettings(storage=storage).database_url)
            place_model(database, Store(storage), project["id"], weights_folder(given.model))
            database.close()
            command = [given.schemathesis, "run", f"{running.url}/openapi.json"]
            command += ["--header", f"Authorization: Bearer {running.key}"]
            command += ["--checks", ",".join(CHECKS), "--continue-on-failure", "--no-color"]
            command += ["--max-examples", str(given.examples), "--seed", str(given.seed)]
            command += ["--warnings", "off", "--request-timeout", "60"]
            command += ["--exclude-path", EVENTS, "--suppress-health-check", "all"]
            done = subprocess.run(command, capture_output=True, text=True)
        errors = [
            line
            for line in storage.with_suffix(".log").read_text().splitlines()
            if "Traceback" in line
        ]
    print(done.stdout[-6000:], done.stderr[-2000:], file=sys.stderr)
    summary = done.stdout[done.stdout.rfind("SUMMARY") :]
    results = {
        "exit": done.returncode,
        "operations": sum(len(methods) for methods in paths.values()),
        "checks": list(CHECKS),
        "tracebacks_in_the_log": len(errors),
        "summary": [
            line.strip() for line in re.sub(r"=+", "", summary).splitlines() if line.strip()
        ],
    }
    command_line = " ".join(["MODEL", *sys.argv[2:]])
    write_report("service-schema", f"python benchmarks/service_schema.py {command_line}", results)
    sys.exit(done.returncode)


main()
