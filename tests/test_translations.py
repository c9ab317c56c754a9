# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface is German where Blender is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

from synthetic_similarity_search.interface.german import GERMAN
from synthetic_similarity_search.interface.german_sentences import SENTENCES
from synthetic_similarity_search.interface.translations import PLACE, in_words
from synthetic_similarity_search.scene.cad.notes import moved_note

ROOT = Path(__file__).resolve().parents[1]

BLENDERS_OWN = {"X", "Y", "Z", "ViT-S/14", "ViT-B/14", "ViT-L/14", "ViT-g/14"}
"""What needs no German."""


def texts(rna: bpy.types.Struct) -> Iterator[str]:
    """Names and descriptions of the properties of a group of settings or an operator, and of their choices."""
    for prop in rna.properties:
        if prop.identifier in {"rna_type", "name"} or prop.is_hidden:
            continue
        yield from (prop.name, prop.description)
        if prop.type == "ENUM":
            yield from (text for item in prop.enum_items for text in (item.name, item.description))
        elif prop.type in {"POINTER", "COLLECTION"} and prop.fixed_type.identifier.startswith("SIMSEARCH_"):
            yield from texts(prop.fixed_type)


def interface() -> Iterator[str]:
    """Everything that stands on the interface and does not depend on the user's input."""
    yield from texts(bpy.context.scene.simsearch.bl_rna)
    for name in dir(bpy.ops.simsearch):
        operator = getattr(bpy.ops.simsearch, name).get_rna_type()
        yield from (operator.name, operator.description)
        yield from texts(operator)
    for name in dir(bpy.types):
        if name.startswith(("SIMSEARCH_PT_", "SIMSEARCH_MT_", "SIMSEARCH_FH_")):
            yield getattr(bpy.types, name).bl_label


def test_nearly_every_text_has_german_words() -> None:
    needed = {text for text in interface() if text} - BLENDERS_OWN
    missing = sorted(needed - GERMAN.keys())
    assert len(needed) > 150
    assert len(missing) <= 0.1 * len(needed), missing  # a feature may come in before its words


def told(file: Path) -> Iterator[str]:
    """The sentences of a module's problems, with {} where they name something."""
    for call in ast.walk(ast.parse(file.read_text("utf-8"))):
        if (
            isinstance(call, ast.Call)
            and getattr(call.func, "id", "") in {"InputError", "Problem", "_Refused"}
            and call.args
        ):
            sentence = call.args[0]
            parts = sentence.values if isinstance(sentence, ast.JoinedStr) else [sentence]
            if isinstance(parts[0], ast.Constant | ast.FormattedValue):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def test_what_check_and_the_jobs_of_the_buttons_say_has_german_words() -> None:
    known = {PLACE.sub("{}", english) for english in SENTENCES}
    jobs = ("check", "match", "stills", "resting_variants", "camera_fit", "folder_lock", "blender_importers")
    files = [ROOT / "scene" / f"{name}.py" for name in jobs] + [
        ROOT / "inference" / f"{name}.py" for name in ("likeness", "database")
    ]
    sentences = {sentence for file in files for sentence in told(file)}
    assert len(sentences) > 30
    assert not sentences - known


@pytest.mark.parametrize(
    "sentence",
    [
        moved_note("door.step", (5000.0, 0.0, 1.5)),
        "'Bolt' is coarse: its area or volume is 2.1% off. Import it with a smaller tolerance.",
        "door.igs lacks 2 of its 40 faces, which could not be meshed. Export it again, as STEP or STL.",
        "door.igs hides 3 entities, but they were imported. Delete what should not be visible.",
    ],
)
def test_notes_of_imports_have_german_words(sentence: str) -> None:
    found = in_words(sentence, lambda english: SENTENCES.get(english, english))
    assert found != sentence and " the " not in found


def test_sentences_that_name_something_are_german() -> None:
    def german(text: str) -> str:
        words = GERMAN | SENTENCES  # Blender as a module has no languages
        return in_words(text, lambda english: words.get(english, english))

    assert german("Macro F1 0.913 on 68 photos") == "Makro-F1 0.913 auf 68 Fotos"
    assert german("There is no database a/b.safetensors. Build it first.") == (
        "Es gibt keine Datenbank a/b.safetensors. Sie erst erstellen."
    )
    assert german("The database a.safetensors cannot be used: a pose is not finite. Build it again.") == (
        "Die Datenbank a.safetensors kann nicht benutzt werden: eine Pose ist nicht endlich. Sie neu erstellen."
    )
    assert german("a.heic: the file is cut off: copy it again.") == (
        "a.heic: die Datei ist abgeschnitten: sie noch einmal kopieren."
    )
    two = (
        "The collection 'one photo' is not in this scene. List another one.\n"
        "There are no classes. Add one for each thing to tell apart."
    )
    assert german(two).split("\n") == [
        "Die Sammlung 'one photo' gehört nicht zu dieser Szene. Eine andere angeben.",
        "Es gibt keine Klassen. Eine für alles hinzufügen, was unterschieden werden soll.",
    ]
    assert german("bolt, classified as Camera") == "bolt, klassifiziert als Camera", "names are the user's"
    assert german("Nobody wrote this sentence.") == "Nobody wrote this sentence."


def test_german_keeps_what_users_look_for() -> None:
    for english, german in (GERMAN | SENTENCES).items():
        assert set(PLACE.findall(english)) == set(PLACE.findall(german)) or "{name}" in english, english
        assert german.strip() == german and english.strip() == english
        assert english.endswith(".") == german.endswith("."), english
