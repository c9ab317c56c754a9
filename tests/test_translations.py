# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface is German where Blender is."""

from collections.abc import Iterator

import bpy

from synthetic_similarity_search.interface.german import GERMAN

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


def test_german_keeps_what_users_look_for() -> None:
    for english, german in GERMAN.items():
        assert german.strip() == german and english.strip() == english
        assert english.endswith(".") == german.endswith("."), english
