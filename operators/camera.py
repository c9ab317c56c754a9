# SPDX-License-Identifier: GPL-3.0-or-later
# mypy: disable-error-code="valid-type"
"""The nominal camera: from the view, with a photo behind it, how far it moves, and a look through each
pose."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper
from mathutils import Matrix

from ..inference.errors import InputError
from ..interface import checklist
from ..interface.translations import translated
from .materials import PHOTO_GLOB

POSE_INDEX = "simsearch_pose"
"""Custom property that marks the camera which shows one pose, and says which."""


def pose_camera(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The camera that shows one of the poses, while stepping through them."""
    return next((item for item in scene.objects if POSE_INDEX in item), None)


def square_frame(scene: bpy.types.Scene) -> None:
    """References are square; with a square render size the camera view shows what they will show."""
    resolution = scene.simsearch.render.resolution
    scene.render.resolution_x = scene.render.resolution_y = resolution
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0


def _viewpoint(view: bpy.types.RegionView3D) -> Matrix:
    """Where a perspective camera must stand to show what the view shows, in the plane of the view's centre.

    Blender's matrix of an orthographic view lies in that plane itself, usually inside the part.
    """
    matrix = view.view_matrix.inverted()
    return matrix @ Matrix.Translation((0, 0, view.view_distance)) if view.view_perspective == "ORTHO" else matrix


def _region_step(scene: bpy.types.Scene) -> str | None:
    return checklist.camera_step(scene) or checklist.region_step(scene)


class SIMSEARCH_OT_camera_from_view(bpy.types.Operator):
    bl_idname = "simsearch.camera_from_view"
    bl_label = "Camera from View"
    bl_description = (
        "Move the nominal camera to the viewpoint of this view, with a square frame like that of the references"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if context.region_data else "Press this in a 3D viewport")

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene, view, space = context.scene, context.region_data, context.space_data
        camera = None if checklist.camera_step(scene) else scene.simsearch.camera or scene.camera
        if view.view_perspective == "CAMERA" and camera is not None:
            self.report({"WARNING"}, translated("The view looks through the camera already; turn the view first"))
            return {"CANCELLED"}
        if camera is None:
            camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
            scene.collection.objects.link(camera)
        window = next(region for region in context.area.regions if region.type == "WINDOW")
        # The viewport shows twice a 36 mm sensor along its longer side; the square frame is as high as its
        # shorter one.
        camera.data.lens = space.lens / 2 * max(window.width, window.height) / min(window.width, window.height)
        camera.data.sensor_width, camera.data.sensor_fit = 36.0, "AUTO"
        camera.data.clip_start = min(camera.data.clip_start, view.view_distance / 100)
        camera.data.display_size = view.view_distance / 10
        camera.matrix_world = _viewpoint(view)
        scene.camera = scene.simsearch.camera = camera
        square_frame(scene)
        view.view_perspective = "CAMERA"
        return {"FINISHED"}


class SIMSEARCH_OT_photo_backdrop(bpy.types.Operator, ImportHelper):
    bl_idname = "simsearch.photo_backdrop"
    bl_label = "Photo as Backdrop"
    bl_description = (
        "Show a real photo in the camera view, to align the camera. It is squashed to a square, as the encoder sees it"
    )
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(default=PHOTO_GLOB, options={"HIDDEN"})
    opacity: FloatProperty(
        name="Opacity",
        description="How strongly the photo covers the scene",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set("filepath"):  # dropped onto the viewport
            return set(self.execute(context))
        return set(ImportHelper.invoke(self, context, event))

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, checklist.camera_step(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..inference.preprocessing import UnreadablePhoto, open_photo
        from ..scene.view import nominal_camera

        try:
            open_photo(Path(self.filepath), 224)
        except UnreadablePhoto as error:
            self.report({"ERROR"}, translated(f"{self.filepath} could not be read: {error}. Choose another photo."))
            return {"CANCELLED"}
        camera = nominal_camera(context.scene)
        assert camera is not None
        camera.data.background_images.clear()
        backdrop = camera.data.background_images.new()
        backdrop.image = bpy.data.images.load(self.filepath, check_existing=True)
        backdrop.alpha, backdrop.display_depth, backdrop.frame_method = self.opacity, "FRONT", "STRETCH"
        camera.data.show_background_images = True
        square_frame(context.scene)
        if context.region_data:
            context.scene.camera = camera
            context.region_data.view_perspective = "CAMERA"
        return {"FINISHED"}


class SIMSEARCH_OT_remove_backdrop(bpy.types.Operator):
    bl_idname = "simsearch.remove_backdrop"
    bl_label = "Remove Backdrop"
    bl_description = "Remove the photo from the camera view"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, checklist.camera_step(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.view import nominal_camera

        camera = nominal_camera(context.scene)
        assert camera is not None
        camera.data.background_images.clear()
        return {"FINISHED"}


class SIMSEARCH_OT_set_jitter(bpy.types.Operator):
    bl_idname = "simsearch.set_jitter"
    bl_label = "Set Jitter"
    bl_description = "Set the camera's movement to suit its distance from the region and its field of view"
    bl_options = {"REGISTER", "UNDO"}

    amount: EnumProperty(
        name="Amount",
        items=(
            ("SMALL", "Small", "Camera and part are fixed: 1 % of the distance, 1° (roll 2°); less with a long lens"),
            (
                "MEDIUM",
                "Medium",
                "The part is placed by hand or a conveyor: 3 % of the distance, 3° (roll 5°); less with a long lens",
            ),
            ("LARGE", "Large", "The part lies freely: 8 % of the distance, 6° and any roll; less with a long lens"),
        ),
        default="MEDIUM",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _region_step(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.jitter_presets import jitter_preset
        from ..scene.view import nominal_view

        jitter = context.scene.simsearch.jitter
        jitter.location, jitter.rotation = jitter_preset(self.amount, nominal_view(context.scene))
        return {"FINISHED"}


class SIMSEARCH_OT_step_pose(bpy.types.Operator):
    bl_idname = "simsearch.step_pose"
    bl_label = "Step through Poses"
    bl_description = "Look through the next camera pose that will be rendered; the nominal camera stays where it is"
    bl_options = {"UNDO"}

    step: IntProperty(name="Step", description="How many poses forward; negative goes back", default=1)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, _region_step(context.scene))

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.read_settings import read_settings
        from ..scene.sampling import sample_poses
        from ..scene.view import nominal_camera

        scene = context.scene
        try:
            accepted = sample_poses(scene, read_settings(scene))
        except InputError as error:
            self.report({"ERROR"}, translated("\n".join(error.problems)))
            return {"CANCELLED"}
        nominal = nominal_camera(scene)
        assert nominal is not None
        preview = pose_camera(scene)
        if preview is None:
            preview = bpy.data.objects.new("Pose Preview", nominal.data)
            scene.collection.objects.link(preview)
            preview[POSE_INDEX] = -1 if self.step > 0 else 0
        preview.data = nominal.data
        preview[POSE_INDEX] = (preview[POSE_INDEX] + self.step) % len(accepted)
        preview.matrix_world = Matrix(accepted[preview[POSE_INDEX]].tolist())
        if context.region_data:
            context.space_data.use_local_camera, context.space_data.camera = True, preview
            context.region_data.view_perspective = "CAMERA"
        return {"FINISHED"}


class SIMSEARCH_OT_leave_poses(bpy.types.Operator):
    bl_idname = "simsearch.leave_poses"
    bl_label = "Back to Nominal Camera"
    bl_description = "Stop looking through the poses"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return checklist.allowed(cls, None if pose_camera(context.scene) else "Step through the poses first")

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.data.objects.remove(pose_camera(context.scene))
        if context.region_data:
            context.space_data.use_local_camera = False
        return {"FINISHED"}


CLASSES = (
    SIMSEARCH_OT_camera_from_view,
    SIMSEARCH_OT_photo_backdrop,
    SIMSEARCH_OT_remove_backdrop,
    SIMSEARCH_OT_set_jitter,
    SIMSEARCH_OT_step_pose,
    SIMSEARCH_OT_leave_poses,
)
