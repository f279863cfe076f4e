"""The steps of gpu.py, one a process.

python gpu_steps.py STEP DIR SECONDS [dry-run]
"""

import functools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from gpu_report import Report  # noqa: E402

import dressform  # noqa: E402
from dressform.data.dataset import DatasetSplits  # noqa: E402
from dressform.kernels import switch  # noqa: E402
from dressform.models.network import Classifier, build_network  # noqa: E402
from dressform.predict.export import export_onnx  # noqa: E402
from dressform.recipes import find_recipe  # noqa: E402
from dressform.training.callback import Callback  # noqa: E402
from dressform.training.checkpoint import TrainingFiles  # noqa: E402
from dressform.training.fit import fit  # noqa: E402
from dressform.training.fitted import Fitted  # noqa: E402
from dressform.training.history import Epoch  # noqa: E402
from dressform.training.inference import logits_of  # noqa: E402
from dressform.training.learning_data import learning_data  # noqa: E402
from dressform.training.recipe import Recipe  # noqa: E402

Tell = Callable[..., None]
AIM = 0.94


class Bench:
    """What the steps share.

    Args:
        out: folder of the report.
        seconds: that the step may take, its start included.
        dry_run: on the processor, with a slice of the data.
    """

    def __init__(self, out: Path, seconds: float, dry_run: bool) -> None:
        self.out, self.dry_run = out, dry_run
        self.device = torch.device("cpu" if dry_run else "cuda")
        self._end = time.monotonic() + 0.9 * seconds - 5

    def time_for(self, seconds: float) -> bool:
        """Whether there are so many seconds left."""
        return time.monotonic() + seconds < self._end

    def data(self) -> DatasetSplits:
        """Fashion-MNIST, or a slice of it."""
        data = dressform.load_data()
        if not self.dry_run:
            return data
        assert data.test is not None
        return DatasetSplits(
            "slice", data.train.take(np.arange(600)), None, data.test.take(np.arange(300))
        )

    def wait(self) -> None:
        """Until the GPU has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def clock(self, work: Callable[[], object], repeats: int) -> float:
        """Median seconds of some calls, after two."""
        times = []
        for i in range(2 + repeats):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            times.append(time.perf_counter() - start)
            if i >= 2 and not self.time_for(times[-1]):
                break
        return statistics.median(times[2:])


def device(bench: Bench, tell: Tell) -> None:
    """Name, memory and ceilings."""
    if bench.device.type == "cuda":
        facts = torch.cuda.get_device_properties(0)
        tell(
            name=facts.name,
            memory_gb=round(facts.total_memory / 1e9, 1),
            multiprocessors=facts.multi_processor_count,
        )
        tell(
            capability=list(torch.cuda.get_device_capability()),
            cuda=torch.version.cuda,
            cudnn=torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        )
    side, megabytes = (8192, 4096) if bench.device.type == "cuda" else (512, 16)
    a, b = (torch.randn(side, side, device=bench.device, dtype=torch.bfloat16) for _ in range(2))
    tell(
        bfloat16_tflops=round(2 * side**3 / bench.clock(lambda: a @ b, 20) / 1e12, 3),
        product_side=side,
    )
    source = torch.randint(256, (megabytes * 2**20,), dtype=torch.uint8, device=bench.device)
    target = torch.empty_like(source)
    tell(
        copy_gb_per_second=round(
            2 * source.numel() / bench.clock(lambda: target.copy_(source), 20) / 1e9, 1
        )
    )


def tests(bench: Bench, tell: Tell) -> None:
    """tests/gpu by pytest, without the plug-ins that the project's own settings ask for."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "-o",
        "filterwarnings=default",
        "-p",
        "no:cacheprovider",
        "-q",
    ]
    command += ["-rfEs", "--tb=short", "tests/gpu"]
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    if bench.dry_run:
        environment["DRESSFORM_GPU_TESTS"] = "cpu"
        command += ["-k", "backbone or float32 or (processor and fast-gpu)"]
    with (bench.out / "tests.txt").open("w") as file:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    lines = (bench.out / "tests.txt").read_text().splitlines()
    summary = lines[-1] if lines else "pytest printed nothing"
    tell(summary=summary, failed=[line for line in lines if line.startswith(("FAILED", "ERROR"))])
    if done.returncode:
        raise SystemExit(summary)


def trained(bench: Bench, recipe: Recipe, data: DatasetSplits, seed: int) -> tuple[Fitted, float]:
    """A training, and its seconds from building the network to the last weights, validation
    included.
    """
    learning = learning_data(recipe, data)
    bench.wait()
    start = time.perf_counter()
    fitted = fit(recipe, learning.train, learning.validation, seed=seed, device=bench.device.type)
    return fitted, time.perf_counter() - start


def accuracy(bench: Bench, fitted: Fitted, data: DatasetSplits) -> float:
    """Of the test images, by one pass of the last weights in float32."""
    assert data.test is not None
    logits = logits_of(fitted.network.to(bench.device), data.test, device=bench.device)
    return float((logits.argmax(1) == data.test.labels).mean())


def seeds_of(bench: Bench, tell: Tell, name: str, seeds: int) -> None:
    """Train a recipe with seeds 0, 1, …; a training before them, with another seed, loads the
    libraries and is told apart.
    """
    data, recipe = bench.data(), find_recipe(name)
    if bench.dry_run:
        recipe, seeds = replace(recipe, epochs=2, batch_size=min(recipe.batch_size, 100)), 2
    _, first = trained(bench, recipe, data, 1_000_000)
    tell(recipe=name, first_seconds=round(first, 3))
    rows: list[dict[str, Any]] = []
    while len(rows) < seeds and bench.time_for(1.5 * first):
        fitted, seconds = trained(bench, recipe, data, len(rows))
        row = {
            "seed": len(rows),
            "seconds": round(seconds, 4),
            "prepared_seconds": round(fitted.prepared, 4),
        }
        rows.append({**row, "test_accuracy": accuracy(bench, fitted, data)})
        accuracies = [row["test_accuracy"] for row in rows]
        tell(
            rows=rows,
            n=len(rows),
            precision=fitted.precision,
            mean_accuracy=statistics.fmean(accuracies),
            sd_accuracy=statistics.stdev(accuracies) if len(rows) > 1 else None,
            reaches_94=statistics.fmean(accuracies) >= AIM,
            mean_seconds=statistics.fmean(row["seconds"] for row in rows),
            mean_seconds_without_preparation=statistics.fmean(
                row["seconds"] - row["prepared_seconds"] for row in rows
            ),
        )


def fast(bench: Bench, tell: Tell) -> None:
    """Ten seeds."""
    seeds_of(bench, tell, "fast", 10)


def fast_gpu(bench: Bench, tell: Tell) -> None:
    """Thirty seeds."""
    seeds_of(bench, tell, "fast-gpu", 30)


def kernels(bench: Bench, tell: Tell) -> None:
    """The recipe fast-gpu without each of the faster ways that are for GPUs, in turn."""
    data, recipe = bench.data(), find_recipe("fast-gpu")
    if bench.dry_run:
        recipe = replace(recipe, epochs=1, batch_size=100)
    seconds: dict[str, list[float]] = {"all": [], "cuda-graphs": [], "tf32": []}
    for seed in range(1 if bench.dry_run else 6):
        for plain, times in seconds.items():
            os.environ[switch.VARIABLE] = "" if plain == "all" else plain
            switch.turned_off.cache_clear()
            if bench.time_for(5):
                _, whole = trained(bench, recipe, data, seed)
                times += [round(whole, 4)] if seed or bench.dry_run else []  # the first loads
    all_on = statistics.median(seconds["all"])
    for plain, times in seconds.items():
        saves = 1 - all_on / statistics.median(times)
        tell(**{plain: {"seconds": times, "saves": round(saves, 4)}})


def throughput(bench: Bench, tell: Tell) -> None:
    """Images a second of MiniVGGNet's last epoch, three trainings each."""
    train = bench.data().train
    train = train.take(np.arange(min(len(train), 400 if bench.dry_run else 60_000)))
    for batch in (256, 32):
        recipe = replace(find_recipe("minivggnet"), batch_size=batch, validation_fraction=0.0)
        recipe = replace(recipe, epochs=1 if bench.dry_run else 3)
        rates: list[float] = []
        while len(rates) < (1 if bench.dry_run else 3) and bench.time_for(5):
            seconds = fit(recipe, train, None, device=bench.device.type).history[-1].seconds
            rates.append(round(len(train) / seconds))
            tell(
                **{
                    f"minivggnet_batch{batch}": {
                        "images_per_second": rates,
                        "median": statistics.median(rates),
                    }
                }
            )


def inference(bench: Bench, tell: Tell) -> None:
    """Images a second from bytes in the GPU's memory to logits there, and ONNX Runtime's from and
    to the processor's.
    """
    import onnxruntime

    images = bench.data().train.images[: 100 if bench.dry_run else None]
    shown = torch.tensor(images, device=bench.device)
    for name in ("fastnet", "minivggnet"):
        network = Classifier(
            build_network(name, (28, 28, 1), 10), torch.full((1,), 0.29), torch.full((1,), 0.35)
        ).eval()
        path = bench.out / f"{name}.onnx"
        export_onnx(network, images[:256], path)
        expected = None
        network.to(bench.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for precision in ("float32", "bfloat16"):
            for batch in (256,) if bench.dry_run else (256, 4096):

                @torch.inference_mode()
                def predict(
                    batch: int = batch, precision: str = precision, network: Classifier = network
                ) -> torch.Tensor:
                    with torch.autocast(
                        bench.device.type, torch.bfloat16, enabled=precision == "bfloat16"
                    ):
                        parts = torch.split(shown, batch)
                        return torch.cat(
                            [network(part.permute(0, 3, 1, 2).div(255)).float() for part in parts]
                        )

                logits = predict()
                expected = logits if expected is None else expected
                same = float((logits.argmax(1) == expected.argmax(1)).float().mean())
                rate = round(len(images) / bench.clock(predict, 1 if bench.dry_run else 10))
                tell(
                    **{
                        f"{name}_torch_{precision}_batch{batch}": {
                            "images_per_second": rate,
                            "same_class_as_float32": same,
                        }
                    }
                )
        provider = next(
            p
            for p in ("CUDAExecutionProvider", "CPUExecutionProvider")
            if p in onnxruntime.get_available_providers()
        )
        session = onnxruntime.InferenceSession(str(path), providers=[provider])
        some = images[:4096]
        run = functools.partial(session.run, None, {"images": some})
        rate = round(len(some) / bench.clock(run, 5))
        tell(**{f"{name}_onnxruntime": {"provider": provider, "images_per_second": rate}})
        path.unlink()


class Progress(Callback):
    """Writes each epoch into the report."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Write it."""
        self._tell(
            epochs=epoch.epoch,
            val_accuracy=epoch.val_accuracy,
            train_loss=epoch.train_loss,
            seconds_per_epoch=epoch.seconds,
        )


def large(bench: Bench, tell: Tell) -> None:
    """Goes on from DIR/large.safetensors, which has the state after each epoch; test is opened when
    all epochs are done.
    """
    data, recipe = bench.data(), find_recipe("large")
    if bench.dry_run:
        assert data.test is not None
        data = DatasetSplits(
            "slice", data.train.take(np.arange(100)), None, data.test.take(np.arange(100))
        )
        recipe = replace(recipe, epochs=1, batch_size=50)
    learning = learning_data(recipe, data)
    checkpoint = bench.out / "large.safetensors"
    tell(recipe="large", of_epochs=recipe.epochs)
    fitted = fit(
        recipe,
        learning.train,
        learning.validation,
        device=bench.device.type,
        files=TrainingFiles(checkpoint=checkpoint, key="large"),
        callback=Progress(tell),
    )
    tell(test_accuracy=accuracy(bench, fitted, data), n=1)


STEPS: dict[str, Callable[[Bench, Tell], None]] = {
    "device": device,
    "tests": tests,
    "fast": fast,
    "fast-gpu": fast_gpu,
    "kernels": kernels,
    "throughput": throughput,
    "inference": inference,
    "large": large,
}


def main() -> None:
    """Do one step."""
    name, out, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    report = Report(out / "gpu.json")
    dressform.tune_process()  # as the command line does
    STEPS[name](
        Bench(out, seconds, "dry-run" in sys.argv[4:]),
        lambda **results: report.tell(name, **results),
    )


if __name__ == "__main__":
    main()
