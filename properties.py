# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""The settings that are saved with a scene: ``scene.simsearch``.

Lengths are Blender units (metres), angles radians, shares 0..1. Every name here is part of the agreement that
outside scripts hold on to; :mod:`.scene.settings` turns the group into frozen data before anything uses it.
"""

import math

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .interface.translations import CONTEXT

SETTINGS_VERSION = 1
"""Version of the settings' meaning. A scene that was never migrated reads 1, so a later version must not change
the property's default, only write the new number while migrating."""


def is_camera(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    """Offer only cameras in the camera picker."""
    return bool(candidate.type == "CAMERA")


class SIMSEARCH_PG_jitter(bpy.types.PropertyGroup):
    """How the references vary around the nominal camera.

    The camera moves a little by default, as in the paper: 10 mm and 3 to 5 degrees are what a camera mount and the
    placing of a palm-sized part usually leave open. Light, background and materials stand still by default, as
    they do in the paper; they are worth turning up where the station's light or the parts' finish changes.
    """

    location: FloatVectorProperty(
        name="Location",
        description="Largest offset of the camera along its own X (right), Y (up) and Z (back). "
        "Set it to how far the part or the camera may sit from its nominal place: too small and shifted photos "
        "find no similar reference, too large and the part is small or cut off in many references",
        size=3,
        subtype="XYZ",
        unit="LENGTH",
        default=(0.01, 0.01, 0.01),
        min=0.0,
        soft_max=1.0,
        step=1,
        precision=4,
    )
    rotation: FloatVectorProperty(
        name="Rotation",
        description="Largest turn of the camera about its own X (pitch), Y (yaw) and Z (roll). "
        "A large roll suits parts that lie on a table in any direction",
        size=3,
        subtype="EULER",
        unit="ROTATION",
        default=(math.radians(3), math.radians(3), math.radians(5)),
        min=0.0,
        max=math.pi,
        soft_max=math.pi,
        step=100,
        precision=2,
    )
    light_angle: FloatProperty(
        name="Light Direction",
        translation_context=CONTEXT,
        description="Largest turn of each light about the region of interest, so that shadows and highlights move "
        "from reference to reference. 0 leaves the lights as they are",
        subtype="ANGLE",
        unit="ROTATION",
        default=0.0,
        min=0.0,
        max=math.pi,
        soft_max=math.radians(45),
        step=100,
        precision=2,
    )
    light_strength: FloatProperty(
        name="Light Strength",
        description="Largest relative change of each light's strength: 0.5 lets it vary between 1/1.5 and 1.5 times. "
        "Helps where exposure differs from photo to photo. 0 leaves it as it is",
        subtype="FACTOR",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
    )
    background: FloatProperty(
        name="Background",
        description="Largest relative change of the world background's brightness; it also fills shadows. "
        "0 leaves it as it is",
        subtype="FACTOR",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
    )
    material: FloatProperty(
        name="Material",
        description="How much the colour, roughness and texture placement of the materials vary. "
        "Helps where the real finish is not known exactly. 0 leaves them as they are",
        subtype="FACTOR",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
    )
    seed: IntProperty(
        name="Seed",
        description="The same seed gives the same camera poses and variations; another one gives a fresh set",
        default=0,
        min=0,
    )
    min_visible: FloatProperty(
        name="Least in Frame",
        description="Share of the region of interest that must be inside the picture for a pose to be used. "
        "1 keeps the whole region in view",
        subtype="FACTOR",
        default=1.0,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
    )
    min_unoccluded: FloatProperty(
        name="Least Unobstructed",
        description="Share of the region of interest that must not be hidden by geometry outside it, for every "
        "class. 0 does not look for hiding geometry",
        subtype="FACTOR",
        default=0.0,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
    )


class SIMSEARCH_PG_class_collection(bpy.types.PropertyGroup):
    """One collection that a class shows."""

    collection: PointerProperty(
        name="Collection",
        description="Shown only for the classes that list it. Collections listed by no class are always shown",
        type=bpy.types.Collection,
    )


class SIMSEARCH_PG_class(bpy.types.PropertyGroup):
    """One class, or one variant of a class where several entries share a name."""

    name: StringProperty(
        name="Class",
        description="The label that photos get. It is also the name of the folder that holds the references. "
        "Entries that share a name are variants of one class",
    )
    collections: CollectionProperty(
        type=SIMSEARCH_PG_class_collection,
        name="Collections",
        description="What this class shows besides the collections that no class lists. Nothing listed: the part is absent",
    )
    active_collection_index: IntProperty(name="Active Collection", default=0, min=0, options={"HIDDEN", "SKIP_SAVE"})


class SIMSEARCH_PG_render(bpy.types.PropertyGroup):
    """How many references are rendered, and how."""

    images_per_class: IntProperty(
        name="Images per Class",
        description="References rendered for each class. More cover the jitter more densely; "
        "time grows in proportion, and so does the number of votes a class can cast",
        default=24,
        min=1,
        soft_max=200,
        max=10000,
    )
    resolution: IntProperty(
        name="Resolution",
        description="Width and height of a reference. The encoder looks at 224 x 224, so more only costs time",
        subtype="PIXEL",
        default=224,
        min=16,
        soft_min=112,
        soft_max=448,
        max=4096,
    )
    samples: IntProperty(
        name="Samples",
        description="EEVEE samples per reference. More samples smooth edges and soft shadows, and take longer",
        default=4,
        min=1,
        soft_max=64,
        max=4096,
    )


class SIMSEARCH_PG_results(bpy.types.PropertyGroup):
    """What the last jobs found, as JSON, so that it is read again with the file; empty: not done yet."""

    problems: StringProperty(name="Problems", options={"HIDDEN"})
    preview: StringProperty(name="Preview", options={"HIDDEN"})
    references: StringProperty(name="References", options={"HIDDEN"})
    match: StringProperty(name="Match", options={"HIDDEN"})
    validation: StringProperty(name="Validation", options={"HIDDEN"})
    classification: StringProperty(name="Classification", options={"HIDDEN"})


class SIMSEARCH_PG_settings(bpy.types.PropertyGroup):
    """All settings of one scene."""

    settings_version: IntProperty(
        name="Settings Version",
        description="Version of the extension's settings in this file",
        default=1,
        min=1,
        options={"HIDDEN"},
    )
    region: PointerProperty(
        name="Region of Interest",
        description="What every reference must show: the world-space bounding box of this object, "
        "usually an empty cube. It is never rendered",
        type=bpy.types.Object,
    )
    camera: PointerProperty(
        name="Camera",
        description="The nominal camera, standing where the station's camera stands. Empty: the scene's camera",
        type=bpy.types.Object,
        poll=is_camera,
    )
    jitter: PointerProperty(type=SIMSEARCH_PG_jitter, name="Jitter")
    render: PointerProperty(type=SIMSEARCH_PG_render, name="Render")
    classes: CollectionProperty(
        type=SIMSEARCH_PG_class,
        name="Classes",
        description="What the classifier tells apart, and what each class shows",
    )
    active_class_index: IntProperty(
        name="Active Class", description="The class that is selected in the list", default=0, min=0
    )
    model: EnumProperty(
        name="Encoder",
        description="DINOv2 variant that turns images into vectors. References and photos must use the same one",
        items=(
            ("VITS14", "ViT-S/14", "Smallest and fastest, 384 numbers per image; the paper's best on average"),
            ("VITB14", "ViT-B/14", "768 numbers per image, about four times the work of ViT-S/14"),
            ("VITL14", "ViT-L/14", "1024 numbers per image, about thirteen times the work of ViT-S/14"),
            ("VITG14", "ViT-g/14", "1536 numbers per image, needs several gigabytes of memory"),
        ),
        default="VITS14",
    )
    precision: EnumProperty(
        name="Precision",
        translation_context=CONTEXT,
        description="How exactly the encoder calculates. References and photos must use the same; "
        "after a change, build the database again",
        items=(
            ("FP32", "Exact", "32-bit floating point; on a graphics processor where the ONNX Runtime here offers one"),
            (
                "FAST",
                "Fast",
                "Perceptrons in 8 bits: a third less time on the processor. Stand-in's weights, 468 real photos: "  # noqa: ISC004
                "cosine to exact 0.9996, least 0.998; macro F1 unchanged on both sets",
            ),
        ),
        default="FP32",
    )
    k: IntProperty(
        name="Neighbours",
        description="How many of the most similar references vote on a photo's class. Odd numbers make ties rare",
        default=5,
        min=1,
        soft_max=25,
        max=10000,
    )
    output_directory: StringProperty(
        name="Output",
        description="Folder for the references and the reference database. // means beside the .blend file",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        default="//similarity_search",
    )
    photos_directory: StringProperty(
        name="Photos",
        description="Folder of real photos to validate against, with one sub-folder per class",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )
    negatives_directory: StringProperty(
        name="No Class",
        description="Optional folder of photos of no class: the empty station, a hand, another part. A validation "
        "chooses from them how familiar a photo must look; less familiar ones are unknown",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )
    reject: BoolProperty(
        name="Reject Unknown",
        description="Answer unknown instead of the most similar class where a photo looks less familiar than the "
        "threshold of the last validation with photos of no class",
        default=True,
    )
    match_directory: StringProperty(
        name="Photos to Match",
        description="Folder of some dozens of photos of the station, to which lamps, background and materials are matched, "
        "and toward which the references are moved then. They need no labels. Photos used here make F1 on them too good: "
        "validate on others",
        subtype="DIR_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )
    matched: StringProperty(
        name="Matched",
        description="What matching changed, and the photos that it rests on",
        options={"HIDDEN"},
    )
    white_level: IntProperty(
        name="White Level",
        description="The value that is white in 16-bit photos that do not state it: 4095 for a 12-bit camera. "
        "0: the photos are compared and a sentence says what was assumed. Stored in the database when you build it",
        default=0,
        min=0,
        max=65535,
    )
    crop: FloatVectorProperty(
        name="Crop",
        description="The part of each photo that counts: left, top, width and height as shares of the photo. "
        "Photos are cropped to it first, so it should show what the references show. "
        "Stored in the database when you build it",
        size=4,
        default=(0.0, 0.0, 1.0, 1.0),
        min=0.0,
        max=1.0,
        step=1,
        precision=3,
    )
    explain: BoolProperty(
        name="Explain the Gap",
        description="Also test which changes bring the photos closer to the references: brightness, colour, size, "
        "position, background. Takes some minutes; the report shows the figures",
        default=False,
    )
    photo: StringProperty(
        name="Photo",
        description="One real photo to classify",
        subtype="FILE_PATH",
    )
    show_overlay: BoolProperty(
        name="Show Poses",
        description="Draw the region of interest, the space the camera moves in and every camera pose in the 3D "
        "viewport: green poses are rendered, red ones are rejected",
        default=True,
    )
    results: PointerProperty(type=SIMSEARCH_PG_results, name="Results")


CLASSES = (
    SIMSEARCH_PG_jitter,
    SIMSEARCH_PG_class_collection,
    SIMSEARCH_PG_class,
    SIMSEARCH_PG_render,
    SIMSEARCH_PG_results,
    SIMSEARCH_PG_settings,
)


def register() -> None:
    """Add ``scene.simsearch`` to every scene."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.simsearch = PointerProperty(type=SIMSEARCH_PG_settings, name="Synthetic Similarity Search")


def unregister() -> None:
    """Remove ``scene.simsearch``; the values stay in the files until they are saved without the extension."""
    del bpy.types.Scene.simsearch
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
