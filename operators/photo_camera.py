# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""The nominal camera from points of the part that are picked in a photo."""

import json
from pathlib import Path

import bpy
from bpy.props import CollectionProperty, EnumProperty, FloatProperty, FloatVectorProperty

from ..inference.errors import InputError
from ..interface import checklist
from ..interface.translations import CONTEXT, translated
from .camera import square_frame

PICKED = "simsearch_picked"
"""Custom property of a camera: the pairs that it was matched with last, as JSON."""
LEFT_TO_DO = "Set a photo as the backdrop of the camera first"


def _photo(scene: bpy.types.Scene) -> Path | None:
    """The photo behind the nominal camera."""
    camera = scene.simsearch.camera or scene.camera
    pictures = camera.data.background_images if camera and camera.type == "CAMERA" else ()
    return next((Path(bpy.path.abspath(shown.image.filepath)) for shown in pictures if shown.image), None)


class SIMSEARCH_PG_point_pair(bpy.types.PropertyGroup):
    """A point of the part and where a photo shows it."""

    point: FloatVectorProperty(name="Point", description="In the world", size=3, subtype="XYZ", unit="LENGTH")
    pixel: FloatVectorProperty(name="Pixel", description="From the photo's left and upper edge", size=2)


class SIMSEARCH_OT_match_camera(bpy.types.Operator):
    bl_idname = "simsearch.match_camera"
    bl_label = "Match Camera to Photo"
    bl_description = (
        "Find where the backdrop was taken from: click a corner of the part, then the same corner in the photo, and so on; "
        "four corners or more, better six at different heights"
    )
    bl_options = {"REGISTER", "UNDO"}

    pairs: CollectionProperty(type=SIMSEARCH_PG_point_pair, options={"SKIP_SAVE"})
    focal: EnumProperty(
        name="Focal Length",
        description="Where the focal length of the photo comes from",
        items=(
            (
                "FIND",
                "Find",
                "Find it together with the position; needs six points, or four of a plane seen at an angle",
            ),
            ("EXIF", "From Photo", "Take it from the photo's EXIF data, which cameras write and many programs drop"),
            ("LENS", "Known Lens", "Enter what lens and sensor are"),
        ),
        default="FIND",
    )
    lens: FloatProperty(
        name="Lens",
        description="Focal length in millimetres",
        translation_context=CONTEXT,
        default=16.0,
        min=0.1,
        soft_max=500.0,
        precision=2,
    )
    sensor: FloatProperty(
        name="Sensor Width",
        description="Width of the sensor in millimetres, that of the part that the photo shows",
        default=11.3,
        min=0.1,
        soft_max=50.0,
        precision=2,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        step = checklist.camera_step(context.scene)
        return checklist.allowed(cls, step or (None if _photo(context.scene) else LEFT_TO_DO))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the user pick pairs, those of the last time included."""
        if bpy.app.background or context.area is None or context.area.type != "VIEW_3D":
            return self.execute(context)
        from ..inference.preprocessing import UnreadablePhoto
        from ..interface.corner_picker import CornerPicker

        camera, photo = context.scene.simsearch.camera or context.scene.camera, _photo(context.scene)
        assert photo is not None
        try:
            self.picker = CornerPicker(context, photo, json.loads(camera.get(PICKED, "[]")))
        except UnreadablePhoto as error:
            return self._refuse(f"{photo} could not be read: {error}. Choose another photo.")
        context.workspace.status_text_set(translated(self.picker.help()))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Pick until the user presses Enter."""
        answer = self.picker.handle(context, event)
        context.workspace.status_text_set(translated(self.picker.help()))
        if answer == "CANCELLED":
            self.cancel(context)
            return {"CANCELLED"}
        if answer != "FINISHED":
            return {answer}
        self.cancel(context)
        self.pairs.clear()
        for point, pixel in self.picker.pairs:
            pair = self.pairs.add()
            pair.point, pair.pixel = point, pixel
        self._keep(context.scene)  # so that no click is lost where the points do not determine the camera
        return self.execute(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Take the markers away; Blender calls this where the window closes."""
        self.picker.close()
        context.workspace.status_text_set(None)

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..inference.preprocessing import UnreadablePhoto
        from ..scene import photo_lens
        from ..scene.match_camera import align, fit_of_pairs, frame, place

        scene, photo = context.scene, _photo(context.scene)
        assert photo is not None
        try:
            size = photo_lens.photo_size(photo)
            focal = self.lens / self.sensor * size[0] if self.focal == "LENS" else None
            if self.focal == "EXIF" and (focal := photo_lens.focal_length(photo)) is None:
                raise InputError("The photo does not state its focal length. Choose Find or Known Lens.")
            fit = fit_of_pairs([(pair.point, pair.pixel) for pair in self.pairs], size, focal)
        except UnreadablePhoto as error:
            return self._refuse(f"{photo} could not be read: {error}. Choose another photo.")
        except InputError as error:
            return self._refuse("\n".join(error.problems))
        self._keep(scene)
        camera = scene.simsearch.camera or scene.camera
        seen = frame(size, tuple(scene.simsearch.crop))
        place(camera, fit, size, seen)
        square_frame(scene)
        if context.region_data:
            scene.camera = camera
            context.region_data.view_perspective = "CAMERA"
        for shown in camera.data.background_images:
            align(shown, size, seen)
        residuals = fit.residuals.tolist()
        worst = residuals.index(max(residuals))
        text = (
            f"The camera sees {len(residuals)} points within {fit.rms:.1f} pixels on average; the largest error is "
            f"{residuals[worst]:.1f}, at point {worst + 1}"
        )
        doubts = []
        if fit.ambiguous:
            doubts.append("A second position explains them nearly as well: look through the camera, or add points")
        if not seen.square:
            doubts.append("The photo is not square, but references are: crop photos to a square, and match again")
        self.report({"WARNING"} if doubts else {"INFO"}, translated(". ".join([text, *doubts])))
        self.errors = ", ".join(f"{residual:.1f}" for residual in residuals)
        return {"FINISHED"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "focal")
        if self.focal == "LENS":
            column.prop(self, "lens")
            column.prop(self, "sensor")
        if errors := getattr(self, "errors", ""):
            self.layout.label(text=translated(f"Pixels: {errors}"))

    def _keep(self, scene: bpy.types.Scene) -> None:
        camera = scene.simsearch.camera or scene.camera
        camera[PICKED] = json.dumps([(tuple(pair.point), tuple(pair.pixel)) for pair in self.pairs])

    def _refuse(self, sentence: str) -> set[str]:
        self.report({"ERROR"}, translated(sentence))
        return {"CANCELLED"}


CLASSES = (SIMSEARCH_PG_point_pair, SIMSEARCH_OT_match_camera)
