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
from dressform.evaluation.calibration import mean_confidence, with_temperature
from dressform.evaluation.evaluate import Evaluation, evaluate
from dressform.evaluation.learned_temperature import cross_fitted, learned_temperature
from dressform.evaluation.metrics import Scores
from dressform.experiment.options import RunOptions
from dressform.models.network import count_parameters
from dressform.predict.export import export_onnx
from dressform.predict.features import offer_features, penultimate
from dressform.predict.model_card import Confidence, ModelCard, describe
from dressform.predict.ood import OODDetector, subsample_indices
from dressform.predict.readme import per_class_table, readme
from dressform.predictions import Predictions
from dressform.runs.layout import Layout
from dressform.runs.ledger import note_test_look
from dressform.runs.manifest import Manifest, Results, now
from dressform.runs.run import Run
from dressform.training.checkpoint import TrainingFiles, save_weights
from dressform.training.fitted import Fitted
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
    options.callback.on_phase_begin("predicting")
    clock = time.perf_counter()
    validated = None if learning.validation is None else _predict(fitted, learning.validation)
    predicted = time.perf_counter() - clock

    options.callback.on_phase_begin("exporting to ONNX")
    clock = time.perf_counter()
    difference, card = _export(fitted, learning, data, manifest, layout, validated)
    exported = time.perf_counter() - clock

    # The test split is opened only where nothing can fail any more.
    options.callback.on_phase_begin("predicting")
    clock = time.perf_counter()
    predictions = {} if validated is None else {"validation": validated}
    if data.test is not None:
        predictions["test"] = _predict(fitted, data.test)
    temperature = learned_temperature(validated)
    results: Results = {
        "epochs": len(fitted.history),
        "parameters": count_parameters(fitted.network),
        "val_accuracy": None,
        "test_accuracy": None,
        "temperature": temperature,
        "onnx_difference": difference,
    }
    evaluations: dict[str, Evaluation] = {}
    for split, raw in predictions.items():
        calibrated = with_temperature(raw, temperature)
        calibrated.save(layout.predictions(split))
        evaluations[split] = _write_scores(calibrated, layout)
        accuracy = evaluations[split].accuracy.value
        if split == "validation":
            results["val_accuracy"] = accuracy
        else:
            results["test_accuracy"] = accuracy
            note_test_look(options.out, what="train", run=layout.root, examples=len(raw))
    predicted += time.perf_counter() - clock
    seconds = {**manifest.seconds, "export": exported, "predict": predicted}

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
    write_text(layout.card, readme(Run(layout.root, manifest), card, evaluations))
    manifest.save(layout.manifest)
    drop_checkpoint(layout)
    return manifest


def drop_checkpoint(layout: Layout) -> None:
    """Delete a finished run's checkpoints; a file too many does no harm."""
    with contextlib.suppress(OSError):
        for file in TrainingFiles(checkpoint=layout.checkpoint).written():
            file.unlink(missing_ok=True)


def _export(
    fitted: Fitted,
    learning: LearningData,
    data: DatasetSplits,
    manifest: Manifest,
    layout: Layout,
    raw: Predictions | None,
) -> tuple[float, ModelCard]:
    """Weights, ONNX file, model card and OOD reference; the largest difference between the network
    and its ONNX file, and the card.

    Args:
        raw: uncalibrated predictions of the validation examples, or None without any.
    """
    temperature = learned_temperature(raw)
    train, validation = learning.train, learning.validation
    save_weights(layout.last, fitted.last)
    if fitted.best is not None:
        save_weights(layout.best, fitted.best)
    difference = export_onnx(fitted.network, train.images, layout.onnx, temperature=temperature)
    features = offer_features(layout.onnx)
    card = describe(
        manifest.name,
        train.class_names,
        train.shape,
        sha256_file(layout.onnx),
        photo=photo_settings_for(data.train.images),
        features=features,
        confidence=_confidence(raw),
    )
    card.save(layout.model)
    if features is not None and validation is not None and raw is not None:
        reference = train.images[subsample_indices(len(train))]
        known, unseen = (
            penultimate(layout.onnx, images).values for images in (reference, validation.images)
        )
        scores = Scores(raw)
        detector = OODDetector.fit(
            known, reference, unseen, validation.images, scores.correct, scores.clusters
        )
        if detector is not None:
            detector.save(layout.ood_reference)
    return difference, card


def _predict(fitted: Fitted, dataset: Dataset) -> Predictions:
    logits = logits_of(fitted.network, dataset, device=torch.device("cpu"))
    return Predictions(dataset.ids, dataset.labels, logits, dataset.class_names, dataset.groups)


def _write_scores(predictions: Predictions, layout: Layout) -> Evaluation:
    """The classification report, of test where there is one, else of validation."""
    evaluation = evaluate(predictions)
    write_text(layout.report, evaluation.report())
    write_json(layout.report_json, evaluation.to_json())
    write_text(layout.per_class, per_class_table(evaluation))
    return evaluation


def _confidence(predictions: Predictions | None) -> Confidence | None:
    """Mean confidence and accuracy on validation examples, each with the temperature of others."""
    if predictions is None:
        return None
    mean, accuracy, sentence = mean_confidence(cross_fitted(predictions))
    return Confidence(
        examples=len(predictions),
        mean=mean,
        accuracy=accuracy,
        sentence=sentence,
        temperature=learned_temperature(predictions),
    )
