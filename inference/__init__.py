# SPDX-License-Identifier: GPL-3.0-or-later
"""From images to verdicts, without Blender: encoder, reference database, nearest neighbours, metrics, report.

Runs under plain Python with numpy, pillow, safetensors, onnxruntime, tqdm and jinja2. ``python -m inference --help``.
"""
