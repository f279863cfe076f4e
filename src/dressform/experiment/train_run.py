"""`train_run`: a recipe, data and a seed become a finished run directory, or an unfinished one that
can be resumed.
"""

import contextlib
import dataclasses
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from dressform.core import config
from dressform.core.errors import DressformError, RunError, TrainingError
from dressform.core.files import exclusive, remove_leftovers, sha256_file, write_json, write_text
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.photo import photo_settings_for
from dressform.evaluation.calibration import mean_confidence
from dressform.evaluation.evaluate import evaluate
from dressform.experiment.learning_data import learning_data
from dressform.experiment.recorder import Recorder
from dressform.experiment.resolved import check_trainable, resolve_recipe
from dressform.predict.export import export_onnx
from dressform.predict.features import offer_features, penultimate
from dressform.predict.model_card import Confidence, describe
from dressform.predict.ood import MAX_REFERENCES, OODDetector, subsample_indices
from dressform.predictions import Predictions
from dressform.runs.git import git_state
from dressform.runs.layout import DEFAULT_ROOT, Layout, features_folder, run_folder
from dressform.runs.ledger import note_test_look
from dressform.runs.manifest import FORMAT, DatasetFacts, Manifest, hardware, now, packages
from dressform.runs.run import Run, open_run
from dressform.training.checkpoint import save_weights
from dressform.training.fit import Fitted, fit, stopped_by
from dressform.training.hardware import choose_device, flush_denormals
from dressform.training.history import RunObserver, Silent
from dressform.training.inference import logits_of
from dressform.training.recipe import Recipe

COPIES = 9
"""Of the weights: a checkpoint of weights, best and two moments, while the next is written, and one
to spare.
"""
METRIC_OF = {"validation": "val_accuracy", "test": "test_accuracy"}
"""A split's accuracy among the results."""
OTHER_BYTES = 30_000_000
"""Of predictions, figures and features."""


@flush_denormals()
def train_run(
    recipe: Recipe | str,
    data: DatasetSplits,
    *,
    settings: Iterable[str] = (),
    seed: int = 0,
    out: Path = DEFAULT_ROOT,
    resume: bool = False,
    device: str = "auto",
    source: str | None = None,
    image_size: int | None = None,
    observer: RunObserver | None = None,
) -> Run:
    """Train and keep everything.

    Args:
        recipe: a recipe, a name, or ``file.py:function``.
        data: what to learn from and to judge on.
        settings: ``path=value`` assignments applied to the recipe.
        seed: of the run.
        out: folder of all runs; this run's folder is ``out/<dataset>/<recipe>-<digest>/seed<n>``.
        resume: go on with an unfinished run; a finished one is returned as it is.
        device: ``auto``, ``cpu`` or ``cuda``.
        source: how the data were named, for the manifest.
        image_size: that the data were read with, for the manifest.
        observer: told of the progress.

    Returns:
        the finished run, without figures.

    Raises:
        RunError: there is such a run already and ``resume`` is false, or it cannot be resumed.
        DressformError: anything else that the user has to know; the run then says ``failed``.
    """
    found = resolve_recipe(recipe, settings)
    resolved = found.recipe
    choose_device(device)  # what cannot be trained is told before anything is written
    network = check_trainable(resolved, data)
    if not dataclasses.is_dataclass(resolved.model):
        # A user's own network may have what ONNX has not: better told before than after.
        with tempfile.TemporaryDirectory() as folder:
            export_onnx(network.eval(), data.train.images[:2], Path(folder) / "trial.onnx")
    learning = learning_data(resolved, data)
    train, validation = learning.train, learning.validation
    manifest = Manifest(
        recipe=resolved.name,
        reference=found.reference,
        settings=list(found.settings),
        resolved=config.to_dict(resolved),
        digest=found.digest,
        seed=seed,
        dataset=DatasetFacts(
            name=data.name,
            source=source or data.name,
            image_size=image_size,
            shape=data.shape,
            class_names=data.class_names,
            digests={split: d.digest for split, d in data},
            hold_out_digest=learning.digest,
            examples=_examples(train, validation, data.test),
            notes=tuple(data.notes),
        ),
        hardware=hardware(),
        packages=packages(),
        git=git_state(),
        started=now(),
    )
    layout = Layout(run_folder(out, data.name, resolved.name, found.digest, seed))
    if not layout.manifest.exists() or resume:
        try:
            layout.make_folders()
        except OSError as error:
            raise RunError(
                f"{layout.root} cannot be made: {error.strerror or error}; give a writable folder "
                f"with --out"
            ) from error
        if not layout.manifest.exists():
            _check_room(layout, network)
        with exclusive(layout.lock):
            return _train_locked(
                resolved,
                data,
                train,
                validation,
                manifest,
                layout,
                out,
                device,
                observer or Silent(),
            )
    before = open_run(layout.root).manifest
    _check_same_data(before, manifest, layout)
    status = before.status
    raise RunError(
        f"{layout.root} is there already ({status}); add --resume to "
        f"{'show' if status == 'finished' else 'continue'} it,"
        " or choose another --seed or --out"
    )


def _check_room(layout: Layout, network: nn.Module) -> None:
    """Tell before training, and not after the first epoch, that the disk has no room for what it
    writes.
    """
    weights = sum(t.numel() * t.element_size() for t in network.state_dict().values())
    needed, free = COPIES * weights + OTHER_BYTES, shutil.disk_usage(layout.root).free
    if free < needed:
        raise RunError(
            f"{layout.root} has {free / 1e6:,.0f} MB free, and a run of this network takes up to "
            f"{needed / 1e6:,.0f} MB; make room,"
            " or choose another --out"
        )


def _train_locked(
    recipe: Recipe,
    data: DatasetSplits,
    train: Dataset,
    validation: Dataset | None,
    manifest: Manifest,
    layout: Layout,
    out: Path,
    device: str,
    observer: RunObserver,
) -> Run:
    if layout.manifest.exists():
        before = open_run(layout.root).manifest
        _check_same_data(before, manifest, layout)
        remove_leftovers(layout.root)
        if before.status == "finished":
            _check_whole(before, layout)
            _drop_checkpoint(layout)  # which a kill after the last write may have left
            return Run(layout.root, before)
        manifest = dataclasses.replace(manifest, started=before.started)
    manifest.save(layout.manifest)
    recorder = Recorder(layout.results, observer)
    key = config.digest(
        (
            manifest.digest,
            str(manifest.seed),
            *sorted(manifest.dataset.digests.values()),
            str(FORMAT),
        )
    )
    try:
        observer.closing(
            2 * len(validation or ()) + len(data.test or ()) + min(MAX_REFERENCES, len(train)),
            len(train),
        )
        clock = time.perf_counter()
        fitted = fit(
            recipe,
            train,
            validation,
            seed=manifest.seed,
            device=device,
            checkpoint=layout.checkpoint,
            key=key,
            cache=features_folder(out),
            observer=recorder,
        )
        seconds = {
            "train": sum(row.seconds for row in fitted.history),
            "fit": time.perf_counter() - clock,
        }
        manifest = _finish(
            fitted, data, train, validation, manifest, layout, out, seconds, observer
        )
    except Exception as error:
        if isinstance(error, DressformError):
            reason = str(error)
        else:
            reason = (
                f"{type(error).__name__}: {error}"
                if isinstance(error, OSError)
                else stopped_by(error)
            )
        with contextlib.suppress(OSError):  # the reason is what counts
            dataclasses.replace(manifest, status="failed", finished=now(), error=reason).save(
                layout.manifest
            )
        if isinstance(error, (DressformError, OSError)):
            raise
        raise TrainingError(f"{reason}, then go on with --resume") from error
    return Run(layout.root, manifest)


def _check_whole(manifest: Manifest, layout: Layout) -> None:
    for name, digest in manifest.weights.items():
        path = layout.weights / name
        if not path.is_file() or sha256_file(path) != digest:
            word = "was changed" if path.is_file() else "is missing"
            raise RunError(
                f"{layout.root} was finished but its {path.name} {word} since; delete that folder "
                f"or choose another --out"
            )


def _check_same_data(before: Manifest, now_given: Manifest, layout: Layout) -> None:
    was, now_is = before.dataset, now_given.dataset
    if (was.digests, was.hold_out_digest) != (now_is.digests, now_is.hold_out_digest):
        raise RunError(
            f"{layout.root} was trained on other data than {now_is.name} has now; choose another "
            f"--out"
        )


def _finish(
    fitted: Fitted,
    data: DatasetSplits,
    train: Dataset,
    validation: Dataset | None,
    manifest: Manifest,
    layout: Layout,
    out: Path,
    seconds: dict[str, float],
    observer: RunObserver,
) -> Manifest:
    """Write everything that follows from the weights; the manifest that says finished comes
    last.
    """
    observer.phase("exporting to ONNX")
    clock = time.perf_counter()
    save_weights(layout.last, fitted.last)
    if fitted.best is not None:
        save_weights(layout.best, fitted.best)
    difference = export_onnx(fitted.network, train.images, layout.onnx)
    features = offer_features(layout.onnx)
    digest = sha256_file(layout.onnx)
    photo = photo_settings_for(data.train.images)
    title = f"{manifest.recipe}, seed {manifest.seed}"
    description = describe(
        title, data.class_names, data.shape, digest, photo=photo, features=features
    )
    description.save(layout.model)
    if features is not None and validation is not None:
        _remember(layout, train, validation)
    seconds["export"] = time.perf_counter() - clock

    observer.phase("predicting")
    clock = time.perf_counter()
    results: dict[str, float | int | None] = {
        "epochs": len(fitted.history),
        "onnx_difference": difference,
    }
    for split, dataset in (("validation", validation), ("test", data.test)):
        results[METRIC_OF[split]] = None
        if dataset is not None:
            logits = logits_of(fitted.network, dataset, device=torch.device("cpu"))
            predictions = Predictions(dataset.ids, dataset.labels, logits, dataset.class_names)
            predictions.save(layout.predictions(split))
            if split == "validation":
                sure, right, sentence = mean_confidence(predictions)
                found = Confidence(
                    examples=len(dataset), mean=sure, accuracy=right, sentence=sentence
                )
                dataclasses.replace(description, confidence=found).save(layout.model)
            evaluation = evaluate(predictions)
            results[METRIC_OF[split]] = evaluation.accuracy.value
            # of test where there is one, else of validation
            write_text(layout.report, evaluation.report())
            write_json(layout.report_json, evaluation.to_json())
            if split == "test":
                note_test_look(out, what="train", run=layout.root, examples=len(dataset))
    seconds["predict"] = time.perf_counter() - clock

    weights = {
        path.name: sha256_file(path)
        for path in (layout.last, layout.best, layout.onnx, layout.ood_reference)
        if path.exists()
    }
    manifest = dataclasses.replace(
        manifest,
        status="finished",
        finished=now(),
        results=results,
        weights=weights,
        seconds={name: round(value, 3) for name, value in seconds.items()},
        hardware={
            **manifest.hardware,
            "device": fitted.device,
            "precision": fitted.precision,
            "threads": torch.get_num_threads(),
        },
    )
    manifest.save(layout.manifest)
    _drop_checkpoint(layout)
    return manifest


def _drop_checkpoint(layout: Layout) -> None:
    with contextlib.suppress(OSError):  # the run is finished: a file too many does no harm
        layout.checkpoint.unlink(missing_ok=True)


def _remember(layout: Layout, train: Dataset, validation: Dataset) -> None:
    some = train.images[subsample_indices(len(train))]
    known, unseen = (
        penultimate(layout.onnx, images).values for images in (some, validation.images)
    )
    ood_detector = OODDetector.fit(known, some, unseen, validation.images)
    if ood_detector is not None:
        ood_detector.save(layout.ood_reference)


def _examples(train: Dataset, validation: Dataset | None, test: Dataset | None) -> dict[str, int]:
    return {"train": len(train), "validation": len(validation or ()), "test": len(test or ())}
