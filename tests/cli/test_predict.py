import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from dressform.core.errors import ConfigError
from dressform.reporting.explanation import check_count
from dressform.runs.run import Run
from tests.cli.command import dressform_command, error_of, json_of
from tests.data.test_photo import scene


def test_a_photo_is_prepared_and_explained(tiny_run: Run, tmp_path: Path) -> None:
    scene((200, 40, 50), (210, 205, 195))[0].save(tmp_path / "a shirt.jpg", quality=95)
    Image.new("RGB", (90, 120), (200, 190, 180)).save(tmp_path / "nothing.png")
    command = [
        "predict",
        tmp_path / "a shirt.jpg",
        tmp_path / "nothing.png",
        "--model",
        tiny_run.path,
    ]
    found = json_of(*command, "--threshold", "0", "--explain", tmp_path / "why.html")
    assert isinstance(found, list)
    shirt, nothing = found
    assert shirt["warnings"] == []
    assert nothing["warnings"] == [
        "nothing stands out from the background; the whole photo was used"
    ]
    page = (tmp_path / "why.html").read_text()
    assert page.count('<details class="answer">') == 2
    assert page.count("<img") >= 8  # the photos, their steps, and saliency maps
    assert "HiResCAM" in page
    assert "foreground" in page
    assert "a shirt.jpg" in page
    plain = json_of(*command, "--no-photos", "--threshold", "0")
    assert isinstance(plain, list)
    assert plain[0]["top"] != shirt["top"]
    assert plain[0]["warnings"] == []
    unsure = json_of(*command, "--threshold", "1")
    assert isinstance(unsure, list)
    assert unsure[0]["abstain"]
    assert unsure[0]["warnings"][0].startswith("does not look like the training images")
    assert "allowed: a file that ends in .html" in error_of(
        *command, "--explain", tmp_path / "why.pdf"
    )
    with pytest.raises(ConfigError, match="was given 501 images; allowed: up to 500 on a page"):
        check_count(501)
    model = tmp_path / "model"
    shutil.copytree(tiny_run.layout.weights, model)
    document = json.loads((model / "model.json").read_text())
    document["preprocessing"]["photo"]["side"] = 0
    (model / "model.json").write_text(json.dumps(document))
    assert "preprocessing.photo is inconsistent (side 0, " in error_of(
        "predict", tmp_path / "a shirt.jpg", "--model", model
    )


def test_predict_says_that_a_model_is_less_sure_than_it_is_right(
    named_run: Run, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(named_run.layout.weights, tmp_path / "model")
    described = tmp_path / "model" / "model.json"
    document = json.loads(described.read_text())
    assert document["confidence"]["examples"] == 60
    for sentence, said in (
        ("mean confidence 86.6 %, accuracy 93.8 %: underconfident by 7.2 points", True),
        ("mean confidence 93.0 %, accuracy 93.8 %: no clear gap", False),
    ):
        document["confidence"]["sentence"] = sentence
        described.write_text(json.dumps(document))
        done = dressform_command("predict", pictures, "--model", tmp_path / "model")
        assert done.returncode == 0, done.stderr
        assert (
            f"on 60 validation examples, with calibrated probabilities: {sentence}" in done.stderr
        ) is said
