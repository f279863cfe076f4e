"""What a training process says and leaves, without training: ``fake_training.py FOLDER WHAT…``.

Each attempt does one of the words; the last one is repeated.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

folder, words = Path(sys.argv[1]), sys.argv[2:]
attempts = folder / "attempts"
done = int(attempts.read_text()) if attempts.exists() else 0
attempts.write_text(str(done + 1))
what = words[min(done, len(words) - 1)]


def tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


tell(phase=what, attempt=done + 1)
print("no JSON at all", flush=True)
if what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
elif what == "refuse":
    tell(error="there are\nno images")
    sys.exit(1)
elif what == "full":
    tell(error="No space left on device", retry=True)
    sys.exit(1)
elif what == "nothing":
    sys.exit(0)
elif what == "hang":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "pids").write_text(f"{os.getpid()} {child.pid}")
    (folder / "hangs").touch()
    time.sleep(600)
elif what == "succeed":
    for epoch in range(1, 4):
        tell(epoch=epoch, epochs=3, val_accuracy=epoch / 4)
    run = folder / "runs" / "seed0"
    run.mkdir(parents=True)
    (folder / "report.html").write_text("<!doctype html>")
    result = {
        "run": "runs/seed0",
        "recipe": "fast",
        "class_names": ["Dark", "Light"],
        "accuracy": 0.9,
        "low": 0.8,
        "high": 0.95,
        "protocol": "4 held-out images",
        "examples": 16,
        "held_out": 4,
    }
    (folder / "result.json").write_text(json.dumps(result))
