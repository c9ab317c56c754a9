# SPDX-License-Identifier: GPL-3.0-or-later
"""Dark, bright, blurred and noisy photos are found, and F1 is told with and without them."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from sklearn.metrics import f1_score

from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.quality import findings, limits, measure
from synthetic_similarity_search.tests.tiny_encoder import write_tiny_encoder


def scene(seed: int) -> Image.Image:
    """A bright part on a grey table, a little elsewhere each time."""
    generator = np.random.default_rng(seed)
    image = Image.new("RGB", (224, 224), (90, 90, 90))
    x, y = generator.integers(30, 80, 2).tolist()
    ImageDraw.Draw(image).rectangle((x, y, x + 90, y + 70), (170, 160, 150))
    return image


def noisy(image: Image.Image, deviation: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, deviation, (224, 224, 1))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


FLAWS = {
    "dark": lambda image: image.point(lambda level: level * 0.4),
    "bright": lambda image: image.point(lambda level: level * 1.8),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(4)),
    "noisy": lambda image: noisy(image, 15),
}


def measured(image: Image.Image) -> np.ndarray:
    return measure(Preprocessing().tensor(image)[None], Preprocessing())[0]


def test_brightness_and_noise_are_in_levels() -> None:
    flat = Image.new("RGB", (224, 224), (200, 100, 50))
    brightness, _, noise = measured(flat)
    assert brightness == pytest.approx(float(np.asarray(flat.convert("L")).mean()), abs=1) and noise < 0.01
    for deviation in (3, 10):
        assert measured(noisy(flat, deviation))[2] == pytest.approx(deviation, rel=0.05)


def test_sharpness_does_not_depend_on_contrast_and_falls_with_blur() -> None:
    image = scene(0)
    sharp = measured(image)[1]
    assert measured(image.point(lambda level: 60 + level // 2))[1] == pytest.approx(sharp, rel=0.1)
    blurred = [measured(image.filter(ImageFilter.GaussianBlur(radius)))[1] for radius in (1, 2, 4)]
    assert sharp > blurred[0] > blurred[1] > blurred[2]


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_flaw_is_found_and_named(flaw: str) -> None:
    allowed = limits(np.stack([measured(scene(seed)) for seed in range(20)]))
    for seed in range(20, 25):
        assert findings(measured(scene(seed)), allowed) == []
        assert flaw in findings(measured(FLAWS[flaw](scene(seed))), allowed)


def test_validate_tells_f1_with_and_without_flawed_photos(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    for folder, seeds in (("references", range(8)), ("photos", range(20, 26))):
        for label in ("part", "empty"):
            (tmp_path / folder / label).mkdir(parents=True)
            for seed in seeds:
                image = scene(seed) if label == "part" else Image.new("RGB", (224, 224), (90, 90, 85 + seed % 8))
                image.save(tmp_path / folder / label / f"{seed}.png")
    for name, change in FLAWS.items():
        change(scene(30)).save(tmp_path / "photos" / "part" / f"{name}.png")
    shutil.copy(tmp_path / "photos" / "part" / "dark.png", tmp_path / "photos" / "empty" / "dark.png")
    assert main(["embed", "--references", str(tmp_path / "references"), "--encoder", str(tmp_path / "tiny.onnx")]) == 0
    options = (
        "--database",
        "references.safetensors",
        "--encoder",
        "tiny.onnx",
        "--photos",
        "photos",
        "--output",
        "out",
    )
    arguments = [option if option.startswith("--") else str(tmp_path / option) for option in options]
    assert main(["validate", *arguments]) == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    flagged = {photo["path"]: photo["findings"] for photo in metrics["quality"]["flagged"]}
    assert flagged["part/dark.png"] == ["dark"] and "noisy" in flagged["part/noisy.png"]
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"] not in flagged]
    expected = f1_score([row["true"] for row in rows], [row["predicted"] for row in rows], average="macro")
    assert metrics["quality"]["macro_f1_without"] == pytest.approx(expected)
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f'<b id="macro-f1-without">{expected:.3f}</b>' in html and "<b>dark</b>" in html

    shutil.rmtree(tmp_path / "references")
    assert main(["validate", *arguments]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))["quality"] == metrics["quality"]

    database = ReferenceDatabase.load(tmp_path / "references.safetensors")
    replace(database, qualities=None).save(database.path)  # as version 0.1.0 wrote it
    assert main(["validate", *arguments]) == 0
    assert "quality" not in json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert "Not compared" in (tmp_path / "out" / "report.html").read_text("utf-8")
