# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs Blender but no user interface: from the settings to rendered references and their recipe."""
