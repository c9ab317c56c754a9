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
    COLOUR_DIRECTIONS,
    GRID,
    SHADING_DIRECTIONS,
    Likeness,
    Seen,
    distance,
    quantiles,
    read_station_photos,
    turn_toward,
)
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder


def unit(*angles: float) -> np.ndarray:
    """Vectors in a plane, at these angles in degrees."""
    turns = np.radians(angles)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def seen(*angles: float, grey: float = 0.5) -> Seen:
    return Seen(unit(*angles), np.full((len(angles), GRID * GRID, 3), grey, np.float32))


def colour_distance(one: np.ndarray, other: np.ndarray) -> float:
    return distance(quantiles(one, COLOUR_DIRECTIONS), quantiles(other, COLOUR_DIRECTIONS))


def block(lit: float = 0.3, table: float = 0.25, shadow: float = 0.05, step: int = 1) -> Seen:
    """A block on a table: its shadow lies to its right, or for a ``step`` of -1 to its left."""
    levels = np.full((GRID, GRID), table, np.float32)
    levels[8:18, 10:18], levels[8:18, 18:22] = lit, shadow
    return Seen(unit(0), np.repeat(levels[:, ::step].reshape(1, -1, 1), 3, axis=2))


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
    assert colour_distance(one, other) == pytest.approx(expected, rel=0.02)


def test_a_small_part_of_another_colour_counts_by_its_share() -> None:
    table = np.full((1000, 3), 0.5)
    part = table.copy()
    part[:100] = (0.9, 0.5, 0.5)
    share = colour_distance(table, part)
    part[100:200] = (0.9, 0.5, 0.5)
    assert colour_distance(table, part) == pytest.approx(2 * share, rel=0.05) and share > 0.01


def test_shading_is_that_of_the_steps_from_cell_to_cell() -> None:
    draw = np.random.default_rng(4)
    one, other = (
        Seen(unit(0), draw.beta(2, wide, (1, GRID * GRID, 1)).repeat(3, 2).astype(np.float32)) for wide in (2, 5)
    )
    expected = []
    for axis in SHADING_DIRECTIONS.T:
        projected = []
        for seen_ in (one, other):
            brightness = np.log(seen_.colours[0, :, 0].astype(float).reshape(GRID, GRID) + 0.05)
            across, down = np.diff(brightness, axis=1)[1:], np.diff(brightness, axis=0)[:, 1:]
            projected.append((axis[0] * across + axis[1] * down).ravel())
        expected.append(wasserstein_distance(*projected))
    assert Likeness.of(one, other).shading == pytest.approx(np.mean(expected), rel=0.05)


def test_fainter_shadows_and_light_from_another_side_are_less_like() -> None:
    photo = block()
    assert Likeness.of(photo, photo).shading == 0
    assert Likeness.of(photo, block(shadow=0.2)).shading > 2 * Likeness.of(photo, block(shadow=0.1)).shading > 0
    turned = Likeness.of(photo, block(step=-1))
    assert turned.colours == pytest.approx(0) and turned.shading > 0.003
    assert turned.total < Likeness.of(photo, photo).total


def lit_from(degrees: float, part: float, strength: float = 0.2, shift: int = 0, seed: int = 0) -> Seen:
    """Noisy images of a part on a table that is brighter towards one side, anticlockwise from the right."""
    rows, columns = np.mgrid[1 : -1 : GRID * 1j, -1 : 1 : GRID * 1j]
    toward = np.radians(degrees)
    levels = 0.4 + strength * (np.cos(toward) * columns + np.sin(toward) * rows)
    levels[9 : 19 + shift, 9:19] = part
    images = np.random.default_rng(seed).normal(levels, 0.02, (6, GRID, GRID))
    return Seen(np.repeat(unit(0), 6, axis=0), images.reshape(6, -1, 1).repeat(3, axis=2).astype(np.float32))


@pytest.mark.parametrize("wanted", [-130, -45, 10, 90, 160])
def test_lamps_are_turned_to_the_side_from_which_photos_are_lit(wanted: float) -> None:
    photos = lit_from(30 + wanted, part=0.1, strength=0.15, seed=1)
    # Parts of another colour and off the middle make imbalances, too.
    turned = [lit_from(30 + 90 * step, part=0.8, shift=2) for step in range(4)]
    assert np.degrees(turn_toward(photos, turned)) == pytest.approx(wanted, abs=10)


@pytest.mark.parametrize("seed", range(5))
def test_lamps_stay_where_photos_do_not_tell_from_where_they_are_lit(seed: int) -> None:
    photos = lit_from(0, part=0.1, strength=0, seed=seed)
    assert turn_toward(photos, [lit_from(90 * step, part=0.8) for step in range(4)]) == 0
    without_effect = [lit_from(0, part=0.1, seed=seed)] * 4
    assert turn_toward(lit_from(0, part=0.1, seed=9), without_effect) == 0


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
    assert len(found.paths) == len(found.hashes) == len(found.seen.embeddings) == 39  # 40 of 60, less one
    assert found.hashes[0] == sha256_file(found.paths[0])
    assert "0000.png is left out: " in capsys.readouterr().err
