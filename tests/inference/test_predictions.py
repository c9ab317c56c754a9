# SPDX-License-Identifier: GPL-3.0-or-later
"""``predictions.csv``: what is written is read, whatever the names of files and classes are."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from synthetic_similarity_search.inference.predictions import Prediction, read_predictions, write_predictions
from synthetic_similarity_search.inference.verdicts import Neighbour, Verdict

NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda name: name not in {".", ".."})


def verdict(photo: Path, reference: str = "a/0.png") -> Verdict:
    return Verdict(photo, "b", "b", {"a": 0, "b": 1}, (Neighbour(3, reference, "b", 0.5),))


@given(NAMES, NAMES)
def test_names_survive(tmp_path_factory, photo: str, reference: str) -> None:
    folder = Path("photos")
    path = tmp_path_factory.mktemp("table") / "predictions.csv"
    write_predictions(path, folder, ["a"], [verdict(folder / "a" / photo, reference)], k=1)
    assert read_predictions(path) == [Prediction(Path("a") / photo, "a", "b", reference, 0.5)]
    path.read_text("utf-8")


def test_names_that_look_escaped_survive(tmp_path: Path) -> None:
    names = [
        "a\\x0a.png",
        "a\\\\b.png",
        "\\n",
        "back\\slash",
        "line\nbreak.png",
        "\udcff.png",
        "\u2028\\u2028",
        "'=1",
        "=1",
        "''-1",
    ]
    write_predictions(tmp_path / "p.csv", None, ["a"] * len(names), [verdict(Path(name)) for name in names], k=1)
    assert [row.photo.as_posix() for row in read_predictions(tmp_path / "p.csv")] == names
