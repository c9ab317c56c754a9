# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders as network storage, Windows and macOS leave them: every photo counts once, and nothing that is none."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from synthetic_similarity_search.inference.command_line import main
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.files import (
    class_folders,
    evenly,
    files_below,
    find_photos,
    meant_class,
    stray_folders,
)
from synthetic_similarity_search.tests.tiny_encoder import write_pictures, write_tiny_encoder

LEFT = (
    "@eaDir/0.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/0.jpg", "$RECYCLE.BIN/S-1-5-21/$R4.jpg", "RECYCLER/0.jpg",
    "System Volume Information/0.jpg", "@Recycle/0.jpg", "#snapshot/0.jpg", "lost+found/0.jpg", "__MACOSX/._0.jpg",
    ".Trashes/501/0.jpg", ".AppleDouble/0.jpg", ".Spotlight-V100/0.jpg", ".@__thumb/0.jpg", "Network Trash Folder/0.jpg",
    "Thumbs.db", "THUMBS.DB", "ehthumbs.db", "desktop.ini", "Desktop.ini", ".DS_Store", "._0.jpg", "Icon\r",
)  # fmt: skip


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"photo")
    return path


@pytest.mark.parametrize("left", LEFT)
def test_what_systems_leave_behind_is_no_photo(tmp_path: Path, left: str) -> None:
    photo = put(tmp_path / "disc" / "may" / "0.jpg")
    for folder in (tmp_path, tmp_path / "disc", tmp_path / "disc" / "may"):
        put(folder / left)
    assert class_folders(tmp_path) == {"disc": [photo]}
    assert list(files_below(tmp_path)) == [photo]


def test_names_that_only_begin_alike_are_the_user_s(tmp_path: Path) -> None:
    photos = [put(tmp_path / name / "0.jpg") for name in ("#3 recycled parts", "@home", "recycle", "thumbs")]
    assert class_folders(tmp_path) == {photo.parent.name: [photo] for photo in photos}


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    photos, store = tmp_path / "photos", tmp_path / "store"
    own = put(photos / "disc" / "own.jpg")
    put(photos / "square" / "june" / "0.jpg")
    put(store / "disc" / "0.jpg")
    put(store / "disc" / "deeper" / "1.jpg")
    for link, target in (
        ("photos/disc/may", "store/disc"),
        ("photos/disc/twice", "store/disc"),
        ("photos/disc/loop", "photos/disc"),
        ("photos/disc/all", "photos"),
        ("photos/disc/above", "."),
        ("photos/disc/other", "photos/square/june"),
        ("store/disc/deeper/up", "store"),
        ("store/disc/self", "store/disc"),
    ):
        (tmp_path / link).symlink_to(tmp_path / target)
    found = class_folders(photos)
    assert found["square"] == [photos / "square" / "june" / "0.jpg"]
    assert sorted(path.name for path in found["disc"]) == ["0.jpg", "1.jpg", "own.jpg"] and own in found["disc"]


def test_a_linked_class_folder_and_a_linked_file(tmp_path: Path) -> None:
    put(tmp_path / "store" / "deeper" / "0.jpg")
    (tmp_path / "store" / "again").symlink_to(tmp_path / "store" / "deeper")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "disc").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    names = [path.name for path in class_folders(tmp_path / "photos")["disc"]]
    assert sorted(names) == ["0.jpg", "broken.jpg"], "a broken link is told of as unreadable"


@pytest.mark.parametrize("of_class, of_folder", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_a_folder_s_name_may_be_decomposed(tmp_path: Path, of_class: str, of_folder: str) -> None:
    label, name = (unicodedata.normalize(form, "Gehäuse Größe é") for form in (of_class, of_folder))
    photo = put(tmp_path / name / "0.jpg")
    assert find_photos(tmp_path, [label]) == [(photo, label)]
    with pytest.raises(InputError, match="which is not a class"):
        find_photos(tmp_path, ["Gehause"])


def test_both_forms_of_a_name_are_one_class(tmp_path: Path) -> None:
    photos = [put(tmp_path / unicodedata.normalize(form, "Gehäuse") / f"{form}.jpg") for form in ("NFC", "NFD")]
    assert {path for path, _ in find_photos(tmp_path, ["Gehäuse"])} == set(photos)
    write_tiny_encoder(tmp_path / "tiny.onnx")
    for number, form in enumerate(("NFC", "NFD")):
        write_pictures(tmp_path / "references", 2, seed=number, classes=(unicodedata.normalize(form, "Gehäuse"),))
    arguments = ["embed", "--references", tmp_path / "references", "--encoder", tmp_path / "tiny.onnx"]
    assert main(list(map(str, arguments))) == 0
    assert ReferenceDatabase.load(tmp_path / "references.safetensors").count() == {"Gehäuse": 4}


def test_folders_of_no_class(tmp_path: Path) -> None:
    photo = put(tmp_path / "square_plate" / "0.jpg")
    put(tmp_path / "pipe-tee" / "0.jpg")
    put(tmp_path / "notes" / "0.txt")
    (tmp_path / "empty").mkdir()
    classes = ["square_plate", "pipe_tee", "nothing"]
    assert stray_folders(tmp_path, classes) == ["notes", "pipe-tee"], "an empty folder is in nobody's way"
    assert meant_class("pipe-tee", tmp_path, classes) == "pipe_tee"
    assert meant_class("notes", tmp_path, classes) is None
    assert meant_class("square plate", tmp_path, classes) is None, "that class has its photos"
    assert find_photos(tmp_path, classes, leave_out=True) == [(photo, "square_plate")]
    with pytest.raises(InputError, match='"notes", which is not a class'):
        find_photos(tmp_path, classes)


def test_a_validation_leaves_folders_of_no_class_out_where_asked(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 2, seed=0, classes=("left", "right"))
    write_pictures(tmp_path / "photos", 1, seed=0, classes=("left", "right", "other"))
    encoder = ["--encoder", str(tmp_path / "tiny.onnx")]
    assert main(["embed", "--references", str(tmp_path / "references"), *encoder]) == 0
    validate = [
        "validate",
        "--database",
        str(tmp_path / "references.safetensors"),
        "--photos",
        str(tmp_path / "photos"),
    ]
    validate += ["--output", str(tmp_path / "result"), "--k", "1", *encoder]
    assert main(validate) == 2
    assert main([*validate, "--leave-out"]) == 0
    assert json.loads((tmp_path / "result" / "metrics.json").read_text())["photos"] == 2


@pytest.mark.parametrize(("items", "most"), [(20, 6), (60, 40), (6, 6), (3, 6)])
def test_as_many_items_as_are_wanted_are_picked_evenly(items: int, most: int) -> None:
    picked = evenly(range(items), most)
    assert len(picked) == min(items, most) and picked[0] == 0
    assert np.ptp(np.diff([*picked, items])) <= 1
