# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line without Blender: ``python -m inference COMMAND …``."""

import sys

from .command_line import main

sys.exit(main(sys.argv[1:]))
