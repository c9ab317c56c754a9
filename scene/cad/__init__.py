# SPDX-License-Identifier: GPL-3.0-or-later
"""CAD files outside Blender: what they say, and their surfaces as triangles. Nothing here imports `bpy`."""
