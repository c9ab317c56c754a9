# SPDX-License-Identifier: GPL-3.0-or-later
"""How like photos references are: figures beside independent references, and photos that are read from a folder."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import wasserstein_distance

from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.files import sha256_file
from synthetic_similarity_search.inference.likeness import (
    GRID,
    Likeness,
    Seen,
    colour_distance,
    colour_quantiles,
    read_station_photos,
)
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder


def unit(*angles: float) -> np.ndarray:
    """Vectors in a plane, at these angles in degrees."""
    turns = np.radians(angles)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def seen(*angles: float, grey: float = 0.5) -> Seen:
    return Seen(unit(*angles), np.full((len(angles), 4, 3), grey, np.float32))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return colour_distance(colour_quantiles(one), colour_quantiles(other))


def test_equal_sets_are_as_like_as_can_be() -> None:
    found = Likeness.of(seen(0, 40), seen(0, 40))
    assert (found.photos, found.references) == (pytest.approx(1), pytest.approx(1))
    assert (found.colours, found.total) == (pytest.approx(0), pytest.approx(2))


def test_each_figure_measures_its_own() -> None:
    cos60, cos30 = 0.5, np.sqrt(3) / 2
    found = Likeness.of(seen(0), seen(60, -30, grey=0.75))
    assert found.photos == pytest.approx(cos30)  # the nearest reference is 30 degrees away
    assert found.references == pytest.approx((cos60 + cos30) / 2)  # each reference has only this photo
    assert found.total < Likeness.of(seen(0), seen(60, -30, grey=0.5)).total  # colours count, too


def test_references_that_no_photo_is_near_cost() -> None:
    photos = seen(0, 10)
    assert Likeness.of(photos, seen(0, 10)).total > Likeness.of(photos, seen(0, 10, 90)).total


def test_the_distance_of_colours_is_that_of_sorted_projections() -> None:
    generator = np.random.default_rng(3)
    one, other = generator.uniform(0, 1, (500, 3)), generator.beta(2, 5, (700, 3))
    directions = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    expected = np.mean([wasserstein_distance(one @ axis, other @ axis) for axis in directions.T])
    assert distance(one, other) == pytest.approx(expected, rel=0.02)


def test_a_small_part_of_another_colour_counts_by_its_share() -> None:
    table = np.full((1000, 3), 0.5)
    part = table.copy()
    part[:100] = (0.9, 0.5, 0.5)
    share = distance(table, part)
    part[100:200] = (0.9, 0.5, 0.5)
    assert distance(table, part) == pytest.approx(2 * share, rel=0.05) and share > 0.01


def test_colours_are_means_of_cells_before_the_encoder_normalises(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"))
    found = Seen.through(encoder, Preprocessing(), [tmp_path / "a.png"])
    cells = np.asarray(Image.fromarray(pixels).resize((GRID, GRID), Image.Resampling.BOX), float) / 255
    assert found.colours.reshape(GRID, GRID, 3) == pytest.approx(cells, abs=0.004)
    assert np.linalg.norm(found.embeddings) == pytest.approx(1, abs=1e-5)


def test_photos_are_read_wherever_they_lie_and_known_by_their_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"))
    folder = write_pictures(tmp_path / "photos", 20, 0)
    (folder / "red" / "0000.png").write_text("broken")
    found = read_station_photos(folder, encoder, Preprocessing(), Progress())
    assert len(found.paths) == len(found.hashes) == len(found.seen.embeddings) == 29  # every other one of 60, less one
    assert found.hashes[0] == sha256_file(found.paths[0])
    assert "0000.png is left out: " in capsys.readouterr().err
