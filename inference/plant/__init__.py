# SPDX-License-Identifier: GPL-3.0-or-later
"""Many stations at once: each is built and validated by the same commands as one alone, in processes of their own.

:mod:`.plant_file` reads what stations there are, :mod:`.tasks` says which commands do an action, :mod:`.children` runs a
command, :mod:`.plan` brings tasks, places to run them and results together, :mod:`.history` keeps the results,
:mod:`.summary` and :mod:`.page` show them. Nothing here imports ``bpy``: a scene is opened by a child.
"""
