# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the STEP file that the import tests read (needs `pip install build123d`).

An assembly of 20 x 10 x 5 mm: a red plate whose name is not ASCII and, under a sub-assembly, a blue pin.
"""

from pathlib import Path

from build123d import Box, Color, Compound, Cylinder, Pos, export_step

plate = Pos(0, 0, 1) * Box(20, 10, 2)
plate.label, plate.color = "Türgriff links", Color(1, 0, 0)
pin = Pos(5, 0, 3.5) * Cylinder(1.5, 3)
pin.label, pin.color = "pin", Color(0, 0, 1)
assembly = Compound(label="assembly", children=[plate, Compound(label="sub", children=[pin])])

target = Path(__file__).with_name("assembly.step")
export_step(assembly, str(target))
# ISO 10303-21 spells characters outside ASCII as \X2\hhhh\X0\; build123d writes them as UTF-8, twice encoded.
target.write_bytes(target.read_bytes().replace("ü".encode().decode("latin-1").encode(), b"\\X2\\00FC\\X0\\"))
