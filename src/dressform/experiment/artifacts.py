"""Everything that follows from a training's weights: exports, predictions, scores, the finished
manifest.
"""

import contextlib
import dataclasses
import time

import torch

from dressform.core.files import sha256_file, write_json, write_text
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.photo import photo_settings_for
from dressform.evaluation.calibration import mean_confidence
from dressform.evaluation.evaluate import evaluate
from dressform.experiment.options import RunOptions
from dressform.predict.export import export_onnx
from dressform.predict.features import offer_features, penultimate
from dressform.predict.model_card import Confidence, ModelCard, describe
from dressform.predict.ood import OODDetector, subsample_indices
from dressform.predictions import Predictions
from dressform.runs.layout import Layout
from dressform.runs.ledger import note_test_look
from dressform.runs.manifest import Manifest, Results, now
from dressform.training.checkpoint import save_weights
from dressform.training.fit import Fitted
from dressform.training.inference import logits_of
from dressform.training.learning_data import LearningData


def write_artifacts(
    fitted: Fitted,
    learning: LearningData,
    data: DatasetSplits,
    manifest: Manifest,
    layout: Layout,
    options: RunOptions,
) -> Manifest:
    """Write what a run keeps besides its checkpoint; the manifest that says finished comes last.

    Args:
        fitted: the training.
        learning: what it learned from and was validated on.
        data: its test split is opened here, once.
        manifest: with the seconds of the training.
        layout: of the run.
        options: of the run.

    Returns:
        the finished manifest.
    """
    options.callback.on_phase_begin("exporting to ONNX")
    clock = time.perf_counter()
    difference, card = _export(fitted, learning, data, manifest, layout)
    exported = time.perf_counter() - clock

    options.callback.on_phase_begin("predicting")
    clock = time.perf_counter()
    results: Results = {
        "epochs": len(fitted.history),
        "onnx_difference": difference,
        "val_accuracy": None,
        "test_accuracy": None,
    }
    for split, dataset in (("validation", learning.validation), ("test", data.test)):
        if dataset is not None:
            predictions = _predict(fitted, dataset)
            predictions.save(layout.predictions(split))
            accuracy = _write_scores(predictions, layout)
            if split == "validation":
                results["val_accuracy"] = accuracy
                _add_confidence(card, predictions, layout)
            else:
                results["test_accuracy"] = accuracy
                note_test_look(options.out, what="train", run=layout.root, examples=len(dataset))
    seconds = {**manifest.seconds, "export": exported, "predict": time.perf_counter() - clock}

    files = (layout.last, layout.best, layout.onnx, layout.ood_reference)
    manifest = dataclasses.replace(
        manifest,
        status="finished",
        finished=now(),
        results=results,
        weights={path.name: sha256_file(path) for path in files if path.exists()},
        seconds={name: round(value, 3) for name, value in seconds.items()},
        hardware={
            **manifest.hardware,
            "device": fitted.device,
            "precision": fitted.precision,
            "threads": torch.get_num_threads(),
        },
    )
    manifest.save(layout.manifest)
    drop_checkpoint(layout)
    return manifest


def drop_checkpoint(layout: Layout) -> None:
    """Delete a finished run's checkpoint; a file too many does no harm."""
    with contextlib.suppress(OSError):
        layout.checkpoint.unlink(missing_ok=True)


def _export(
    fitted: Fitted,
    learning: LearningData,
    data: DatasetSplits,
    manifest: Manifest,
    layout: Layout,
) -> tuple[float, ModelCard]:
    """Weights, ONNX file, model card and OOD reference; the largest difference between the network
    and its ONNX file.
    """
    train, validation = learning.train, learning.validation
    save_weights(layout.last, fitted.last)
    if fitted.best is not None:
        save_weights(layout.best, fitted.best)
    difference = export_onnx(fitted.network, train.images, layout.onnx)
    features = offer_features(layout.onnx)
    card = describe(
        f"{manifest.recipe}, seed {manifest.seed}",
        train.class_names,
        train.shape,
        sha256_file(layout.onnx),
        photo=photo_settings_for(data.train.images),
        features=features,
    )
    card.save(layout.model)
    if features is not None and validation is not None:
        reference = train.images[subsample_indices(len(train))]
        known, unseen = (
            penultimate(layout.onnx, images).values for images in (reference, validation.images)
        )
        detector = OODDetector.fit(known, reference, unseen, validation.images)
        if detector is not None:
            detector.save(layout.ood_reference)
    return difference, card


def _predict(fitted: Fitted, dataset: Dataset) -> Predictions:
    logits = logits_of(fitted.network, dataset, device=torch.device("cpu"))
    return Predictions(dataset.ids, dataset.labels, logits, dataset.class_names, dataset.groups)


def _write_scores(predictions: Predictions, layout: Layout) -> float:
    """The classification report, of test where there is one, else of validation; its accuracy."""
    evaluation = evaluate(predictions)
    write_text(layout.report, evaluation.report())
    write_json(layout.report_json, evaluation.to_json())
    return evaluation.accuracy.value


def _add_confidence(card: ModelCard, predictions: Predictions, layout: Layout) -> None:
    mean, accuracy, sentence = mean_confidence(predictions)
    confidence = Confidence(
        examples=len(predictions), mean=mean, accuracy=accuracy, sentence=sentence
    )
    dataclasses.replace(card, confidence=confidence).save(layout.model)
