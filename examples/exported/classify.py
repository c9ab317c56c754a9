# SPDX-License-Identifier: MIT-0
"""Classify photos with an exported file: python classify.py station.onnx PHOTO…

Needs onnxruntime, numpy and Pillow, and nothing of the extension.
"""

import json
import os
import sys

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

options = onnxruntime.SessionOptions()
options.add_session_config_entry("session.x64quantprecision", "1")  # a file of --precision fast, on any processor
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
classes = json.loads(metadata["simsearch.classes"])
outputs = [output.name for output in session.get_outputs()]

for path in sys.argv[2:]:
    upright = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    result = dict(zip(outputs, session.run(None, {"images": np.asarray(upright)[None]}), strict=True))
    label = int(result["label"][0])  # -1: unknown, in a file that was exported with --reject
    votes = dict(zip(classes, result["votes"][0].tolist(), strict=True))
    print(json.dumps({"path": path, "predicted": classes[label] if label >= 0 else "unknown", "votes": votes}))
