# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the encoder: whether it runs here, and whose weights it has."""

import bpy

from .. import preferences
from ..inference.errors import InputError
from ..interface.translations import translated
from ..interface.words import RUNS_ON


class SIMSEARCH_OT_check_encoder(bpy.types.Operator):
    bl_idname = "simsearch.check_encoder"
    bl_label = "Check Encoder"
    bl_description = "Load the encoder to see that it runs on this machine, and whose weights it has"

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..inference.encoder import PROVIDERS, Encoder  # here, as it brings numpy and ONNX Runtime

        try:
            file = preferences.encoder_file(context)
        except InputError as error:
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        try:
            provider = preferences.environment(context).get("SIMSEARCH_PROVIDER")
            encoder = Encoder(
                file,
                precision=context.scene.simsearch.precision,
                provider=provider,
                say=lambda sentence: self.report({"WARNING"}, translated(sentence)),
            )
        except InputError as error:
            preferences.checked[file] = error
            self.report({"ERROR"}, translated(str(error)))
            return {"CANCELLED"}
        preferences.checked[file] = (
            f"{encoder.model.name} runs on {RUNS_ON[PROVIDERS[encoder.provider]]}. {encoder.weights}"
        )
        self.report({"INFO"}, translated(str(preferences.checked[file])))
        return {"FINISHED"}


CLASSES = (SIMSEARCH_OT_check_encoder,)
