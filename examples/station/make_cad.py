# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the demo station's CAD and write it as STEP files beside this script (needs `pip install build123d`).

The parts are our own drawings in the sizes of everyday plumbing and machine stock: a tee for 20 mm pipe and a 50 mm
square plate with a stepped bore. Lengths are millimetres; each part lies on Z = 0 as it would on a table.
"""

from pathlib import Path

from build123d import Axis, Box, Color, Compound, Cylinder, Part, Pos, Rot, chamfer, export_step

TEE_LENGTH, TEE_REACH = 58.0, 47.0  # along the run; from its far side to the branch's mouth
TEE_DIAMETER, SOCKET_DIAMETER, SOCKET_DEPTH, PIPE_BORE = 36.0, 25.0, 15.0, 19.0
PLATE_SIDE, PLATE_THICKNESS = 50.0, 14.0
BORE, COUNTERBORE, COUNTERBORE_DEPTH = 23.0, 37.0, 8.0


def socket(length: float) -> Part:
    """A pipe's way in: a wide socket that ends on a shoulder, then the bore; axis Z, mouth at Z = `length`."""
    mouth = Pos(0, 0, length - SOCKET_DEPTH / 2) * Cylinder(SOCKET_DIAMETER / 2, SOCKET_DEPTH)
    return mouth + Pos(0, 0, length / 2) * Cylinder(PIPE_BORE / 2, length)


def pipe_tee() -> Part:
    """A tee whose run lies along X and whose branch points along Y."""
    radius = TEE_DIAMETER / 2
    branch = TEE_REACH - radius
    body = Rot(0, 90, 0) * Cylinder(radius, TEE_LENGTH)
    body += Rot(-90, 0, 0) * Pos(0, 0, branch / 2) * Cylinder(radius, branch)
    mouths = body.edges().filter_by(lambda edge: edge.geom_type.name == "CIRCLE")
    body = chamfer(mouths, 0.8)
    for turn, length in ((Rot(0, 90, 0), TEE_LENGTH / 2), (Rot(0, -90, 0), TEE_LENGTH / 2), (Rot(-90, 0, 0), branch)):
        body -= turn * socket(length)
    return Pos(0, 0, radius) * body


def square_plate() -> Part:
    """A plate with a bore that is wider in its upper half."""
    body = Box(PLATE_SIDE, PLATE_SIDE, PLATE_THICKNESS)
    body = chamfer(body.edges().filter_by(Axis.Z), 0.7)
    body -= Cylinder(BORE / 2, PLATE_THICKNESS)
    body -= Pos(0, 0, (PLATE_THICKNESS - COUNTERBORE_DEPTH) / 2) * Cylinder(COUNTERBORE / 2, COUNTERBORE_DEPTH)
    return Pos(0, 0, PLATE_THICKNESS / 2) * body


def write(part: Part, label: str, color: Color, file_name: str) -> None:
    """One STEP file with a named, coloured part."""
    part.label, part.color = label, color
    export_step(Compound(label=label, children=[part]), str(Path(__file__).with_name(file_name)))


if __name__ == "__main__":
    write(pipe_tee(), "pipe tee", Color(0.62, 0.62, 0.62), "pipe_tee.step")
    write(square_plate(), "square plate", Color(0.75, 0.75, 0.78), "square_plate.step")
