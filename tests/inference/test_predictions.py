# SPDX-License-Identifier: GPL-3.0-or-later
"""``predictions.csv``: what is written is read, whatever the names of files and classes are."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic_similarity_search.inference.errors import InputError
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


def table(folder: Path) -> tuple[Path, list[Prediction], str]:
    """A written file, what it holds, and its text."""
    photos = [verdict(Path("Gehäuse groß/0,5; a.jpg"), 'Deckel "2"/0.png'), verdict(Path("Gehäuse groß/é.jpg"))]
    write_predictions(folder / "p.csv", None, ["Gehäuse groß"] * 2, photos, k=1)
    return folder / "p.csv", read_predictions(folder / "p.csv"), (folder / "p.csv").read_text("utf-8-sig")


def test_excel_knows_the_encoding(tmp_path: Path) -> None:
    path, _, _ = table(tmp_path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") and "Gehäuse".encode() in path.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("first", ["", "sep"])
def test_what_spreadsheets_save_is_read(
    tmp_path: Path, encoding: str, separator: str, decimal: str, first: str
) -> None:
    path, expected, text = table(tmp_path)
    rows = [[cell.replace("0.500000", f"0{decimal}5") for cell in row] for row in csv.reader(io.StringIO(text))]
    saved = io.StringIO()
    saved.write(f"sep={separator}\r\n" if first else "")
    csv.writer(saved, delimiter=separator).writerows([*rows, [""] * len(rows[0])])  # and an empty row at the end
    path.write_bytes(saved.getvalue().encode(encoding))
    assert read_predictions(path) == expected and len(expected) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "hello",
        lambda text: text.replace("similarity_1", "Ähnlichkeit"),
        lambda text: text.replace("0.500000", "500000"),
        lambda text: text.replace("0.500000", "May 05"),
        lambda text: text.replace("0.500000", ""),
        lambda text: text.replace("0.500000", "nan"),
        lambda text: text.splitlines()[0] + "\r\na.jpg",
        lambda text: "\r\n".join(f'"{line}"' for line in text.splitlines()),
        lambda text: text.replace("Gehäuse", "\x81\x8d"),
        lambda text: "path,true,predicted,reference_1,similarity_1\n" + "x" * 200_000,
    ],
)
def test_what_a_spreadsheet_has_spoilt_is_refused_in_a_sentence(tmp_path: Path, change) -> None:
    path, _, text = table(tmp_path)
    path.write_bytes(change(text).encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_predictions(path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path.as_posix()} cannot be read") and problem.endswith("Validate again.")


def test_a_missing_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_predictions(tmp_path / "p.csv")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("table") / "p.csv"
    for start in (b"", b"path,true,predicted,reference_1,similarity_1\n", b"\xff\xfe"):
        path.write_bytes(start + content)
        try:
            read_predictions(path)
        except InputError as error:
            assert len(error.problems) == 1
