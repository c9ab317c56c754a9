# SPDX-License-Identifier: GPL-3.0-or-later
"""The advice names what pictures were made to differ in, and says nothing where they were not.

benchmarks/ADVICE.md does the same with rendered scenes, and for more differences.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthetic_similarity_search.inference.domain_gap import CHANGES, explain
from synthetic_similarity_search.inference.embedding import embed_files, embed_references
from synthetic_similarity_search.inference.encoder import Encoder
from synthetic_similarity_search.inference.gap_sentences import cause_sentence
from synthetic_similarity_search.inference.photo_measures import LIMITS, Parts, Pixels, agreement, differences
from synthetic_similarity_search.inference.preprocessing import Preprocessing
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.tests.relief_pictures import (
    DIFFERING,
    FEATURES,
    NOMINAL,
    SHADE,
    Station,
    picture,
    write,
)
from synthetic_similarity_search.tests.tiny_encoder import real_encoder


def pixels(station: Station, count: int = 2, seed: int = 1) -> Pixels:
    """Pictures of every class, float32 [N, S, S, 3]."""
    shown = [picture(label, station, seed + index) for label in FEATURES for index in range(count)]
    return np.stack([np.asarray(image, np.float32) for image in shown])


@pytest.fixture(scope="module")
def references() -> Pixels:
    return pixels(NOMINAL, 4)


@pytest.mark.parametrize("cause", sorted(DIFFERING.keys() - {"side"}))
@pytest.mark.parametrize("seed", [50, 70])
def test_the_made_difference_is_measured_first(references: Pixels, cause: str, seed: int) -> None:
    assert next(iter(differences(pixels(DIFFERING[cause], 2, seed), references)), None) == cause


@pytest.mark.parametrize("seed", [50, 60, 70])
def test_nothing_is_measured_in_a_matched_scene(references: Pixels, seed: int) -> None:
    assert not differences(pixels(NOMINAL, 2, seed), references)


def test_parts_that_reach_the_edge_are_not_called_smaller(references: Pixels) -> None:
    assert "size" not in differences(pixels(replace(NOMINAL, place=(0.4, 0.0)), 2, 50), references)
    assert next(iter(differences(pixels(replace(NOMINAL, scale=1.3), 2, 50), references))) == "size"


def test_a_shadow_across_the_edge_is_not_taken_for_a_texture(references: Pixels) -> None:
    shaded = pixels(NOMINAL, 2, 50)
    shaded[:, :70, 174:] *= 0.5  # the upper right corner
    assert "background" not in differences(shaded, references)


@pytest.mark.parametrize("seed", [50, 60, 70])
def test_soft_light_is_told_where_shadows_are_narrow(seed: int) -> None:
    narrow = replace(NOMINAL, elevation=68)
    own = pixels(narrow, 4)
    assert not differences(pixels(narrow, 2, seed), own)
    assert list(differences(pixels(replace(narrow, lamp=0.1, ambient=0.8), 2, seed), own)) == ["contrast"]


@pytest.mark.parametrize("changed", [{}, {"azimuth": -40.0}, {"scale": 1.3}, {"turn": 90.0}])
def test_parts_that_are_a_shade_of_their_table_are_not_mistaken_for_shadows(changed: dict[str, float]) -> None:
    """What cannot be told is not said; were the parts shadows, their size and the light's direction would be wrong."""
    assert not differences(pixels(replace(SHADE, **changed), 2, 50), pixels(SHADE, 4))


def test_another_side_is_told_by_what_is_within_outlines(tmp_path: Path) -> None:
    """With the encoder that users get."""
    encoder = Encoder(real_encoder())
    write(tmp_path / "references", NOMINAL, 4, seed=1)
    database = embed_references(
        tmp_path / "references", encoder, Preprocessing(), Progress(), tmp_path / "references.safetensors"
    )
    for station, named in ((NOMINAL, []), (DIFFERING["side"], ["side"]), (DIFFERING["relief"], ["relief"])):
        photos = write(tmp_path / f"photos {named}", station, 2, seed=1000)
        by_class = {label: sorted((photos / label).iterdir()) for label in FEATURES}
        true = np.repeat([database.classes.index(label) for label in by_class], [*map(len, by_class.values())])
        paths = [path for own in by_class.values() for path in own]
        vectors = embed_files(encoder, database.preprocessing, paths, Progress(), "photos").embeddings
        wrong = np.flatnonzero(database.predict(vectors, 5) != true)
        found = explain(database, encoder, photos, by_class, {paths[number] for number in wrong}, 5, Progress())
        assert found
        assert [cause.name for cause in found.causes] == named


@pytest.mark.parametrize("changed", [{"scale": 1.3}, {"place": (0.1, 0.05)}, {"lamp": 0.5, "ambient": 0.18}])
def test_insides_of_parts_agree_wherever_they_lie_unless_it_is_another_side(changed: dict[str, Any]) -> None:
    own = Parts.of(pixels(NOMINAL, 1)).insides
    same, other = (
        np.diag(agreement(Parts.of(pixels(replace(NOMINAL, hollow=hollow, **changed), 1, 50)).insides, own))
        for hollow in (False, True)
    )
    assert same.min() > 0.5 and other.max() < 0.2


def test_agreement_is_the_mean_correlation_over_the_pixels_that_both_show() -> None:
    draw = np.random.default_rng(0)
    ones, others = draw.normal(size=(2, 2, 100)), draw.normal(size=(3, 2, 100))
    ones[:, :, :20], others[1, :, 80:], others[2, :, 50:] = np.nan, np.nan, np.nan
    found = agreement(ones, others)
    for row, column in np.ndindex(2, 2):
        shared = slice(20, 80 if column else 100)
        pairs = zip(ones[row, :, shared], others[column, :, shared], strict=True)
        assert found[row, column] == pytest.approx(np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs]))
    assert np.isnan(found[:, 2]).all()  # they share 30 pixels


@pytest.mark.parametrize("cause", ["brightness", "colour", "glare", "size", "position", "turn"])
def test_a_change_brings_pictures_to_the_measure_of_the_references(references: Pixels, cause: str) -> None:
    photos = pixels(DIFFERING[cause], 2, 50)
    assert cause in differences(photos, references)
    assert cause not in differences(CHANGES[cause](photos, references).clip(0, 255), references)


def test_every_respect_has_a_sentence_with_a_next_step(references: Pixels) -> None:
    photos = pixels(DIFFERING["brightness"], 2, 50)
    for cause in (*LIMITS, "side"):
        sentence = cause_sentence(cause, photos, references, 0.0)
        assert sentence.count(". ") == 1 and sentence.endswith(".")
        assert (
            cause_sentence(cause, photos, references, 0.02)
            == f"{sentence} With that matched, similarity rises by 0.020."
        )


@pytest.mark.parametrize("empty", [0, 128, 255])
def test_pictures_without_parts_differ_in_nothing_but_brightness_and_colour(references: Pixels, empty: int) -> None:
    photos = np.full_like(references[:6], empty)
    assert differences(photos, references).keys() <= {"brightness", "colour"}
    for change in CHANGES.values():
        assert np.isfinite(change(photos, references)).all() and np.isfinite(change(references, photos)).all()
