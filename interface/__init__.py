# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators and panels share: jobs in a child Blender, the next step, stored results, pictures, the overlay."""
