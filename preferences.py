# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""What is set once per user, not per scene: where the encoders are and how they run."""

import importlib.util
import sys
from pathlib import Path

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .inference.errors import InputError
from .interface.paragraph import paragraph

checked: "dict[Path, str | InputError]" = {}
"""What loading an encoder file found in this session: its name and whose weights it has, or why it does not run.
Loading takes too long for drawing."""


class SIMSEARCH_AP_preferences(bpy.types.AddonPreferences):
    """What holds for all files: the folder of encoders, and what the encoder runs on."""

    bl_idname = __package__

    encoder_directory: StringProperty(
        name="Encoder Folder",
        description="Folder of encoder files (vits14.onnx …) to use instead of the one the extension came with",
        subtype="DIR_PATH",
    )
    threads: IntProperty(
        name="Threads",
        description="Processor threads the encoder uses. 0: all. Fewer leave more of the machine for other work",
        default=0,
        min=0,
        soft_max=32,
    )

    provider: EnumProperty(
        name="Runs on",
        description="What the encoder runs on",
        items=(
            ("AUTO", "Automatic", "TensorRT, CUDA, DirectML or CoreML where the installed ONNX Runtime offers it"),
            ("CPU", "Processor", "Runs on every machine"),
        ),
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Show the settings; Blender calls this."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "encoder_directory")
        layout.prop(self, "threads")
        layout.prop(self, "provider")
        draw_encoder(layout, context)
        row = layout.row()
        row.operator("simsearch.open_manual", icon="HELP")
        row.operator("simsearch.open_manual", text="What Messages Mean", icon="QUESTION").page = "faq.html"


def environment(context: bpy.types.Context) -> dict[str, str]:
    """The preferences as the environment variables that the command line reads."""
    addon = context.preferences.addons.get(__package__)
    if addon is None or addon.preferences is None:  # registered by batch.py for this process only
        return {}
    variables = {}
    if addon.preferences.encoder_directory:
        variables["SIMSEARCH_ENCODERS"] = bpy.path.abspath(addon.preferences.encoder_directory)
    if addon.preferences.threads:
        variables["SIMSEARCH_THREADS"] = str(addon.preferences.threads)
    if addon.preferences.provider != "AUTO":
        variables["SIMSEARCH_PROVIDER"] = addon.preferences.provider
    return variables


def encoder_file(context: bpy.types.Context) -> Path:
    """The encoder file of the scene's variant; raises InputError saying how to get one."""
    from .inference.encoder import find_encoder  # here, as it brings numpy

    variant = context.scene.simsearch.model
    folder = environment(context).get("SIMSEARCH_ENCODERS")
    own = Path(folder) / f"{variant.lower()}.onnx" if folder else None
    return find_encoder(variant, own if own and own.is_file() else None)


def runtime_problem() -> str | None:
    """Why ONNX Runtime cannot run, as far as can be told without importing it, and what to do."""
    if importlib.util.find_spec("onnxruntime") is None:
        return (
            "ONNX Runtime is not installed for this Blender's Python "
            f"{sys.version_info.major}.{sys.version_info.minor}. "
            "Install the extension's zip for this Blender version."
        )
    return None


def draw_encoder(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Which encoder is used and whose weights it has, or why none can be."""
    column = layout.column(align=True)
    try:
        file = encoder_file(context)
    except InputError as error:
        paragraph(column, str(error), context, "ERROR")
        return
    found = checked.get(file)
    problem = runtime_problem() or (str(found) if isinstance(found, InputError) else None)
    if problem:
        paragraph(column, problem, context, "ERROR")
    elif found:
        paragraph(column, str(found), context, "CHECKMARK")
    else:
        row = column.row(align=True)
        row.label(text=file.name, icon="FILE")
        row.operator("simsearch.check_encoder", text="Check")


def register() -> None:
    """Add the preferences to Blender."""
    bpy.utils.register_class(SIMSEARCH_AP_preferences)


def unregister() -> None:
    """Remove the preferences from Blender."""
    bpy.utils.unregister_class(SIMSEARCH_AP_preferences)
