# SPDX-License-Identifier: GPL-3.0-or-later
"""STEP files of many kinds and what Open CASCADE says that they measure, in a process of its own with the package OCP::

    python corpus.py make FOLDER       # writes the files and FOLDER/figures.json
    python corpus.py measure FILE...   # prints the figures of files that are there

Figures are {file: {"area": mm2, "volume": mm3}}, of every occurrence together.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut, BRepAlgoAPI_Fuse
from OCP.BRepBuilderAPI import (
    BRepBuilderAPI_MakeEdge,
    BRepBuilderAPI_MakeFace,
    BRepBuilderAPI_MakeWire,
    BRepBuilderAPI_NurbsConvert,
)
from OCP.BRepFilletAPI import BRepFilletAPI_MakeChamfer, BRepFilletAPI_MakeFillet
from OCP.BRepGProp import BRepGProp
from OCP.BRepOffsetAPI import BRepOffsetAPI_MakePipe, BRepOffsetAPI_ThruSections
from OCP.BRepPrimAPI import (
    BRepPrimAPI_MakeBox,
    BRepPrimAPI_MakeCone,
    BRepPrimAPI_MakeCylinder,
    BRepPrimAPI_MakePrism,
    BRepPrimAPI_MakeRevol,
    BRepPrimAPI_MakeSphere,
    BRepPrimAPI_MakeTorus,
    BRepPrimAPI_MakeWedge,
)
from OCP.gp import gp_Ax1, gp_Ax2, gp_Circ, gp_Dir, gp_Elips, gp_Pnt, gp_Trsf, gp_Vec
from OCP.GProp import GProp_GProps
from OCP.Interface import Interface_Static
from OCP.Quantity import Quantity_Color, Quantity_TOC_RGB
from OCP.STEPCAFControl import STEPCAFControl_Reader, STEPCAFControl_Writer
from OCP.STEPControl import STEPControl_AsIs, STEPControl_Reader
from OCP.TCollection import TCollection_ExtendedString
from OCP.TDataStd import TDataStd_Name
from OCP.TDocStd import TDocStd_Document
from OCP.TopAbs import TopAbs_EDGE
from OCP.TopExp import TopExp_Explorer
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Shape
from OCP.XCAFDoc import XCAFDoc_ColorSurf, XCAFDoc_DocumentTool

UP, ORIGIN = gp_Dir(0, 0, 1), gp_Pnt(0, 0, 0)
SCHEMAS = {"AP214CD": "1", "AP214DIS": "2", "AP203": "3", "AP214IS": "4", "AP242DIS": "5"}
UNITS = ("MM", "INCH", "M", "CM", "UM", "FT")


def axes(x: float, y: float, z: float, direction: gp_Dir = UP) -> gp_Ax2:
    return gp_Ax2(gp_Pnt(x, y, z), direction)


def at(x: float, y: float = 0, z: float = 0, turn: float = 0) -> TopLoc_Location:
    move, rotation = gp_Trsf(), gp_Trsf()
    move.SetTranslation(gp_Vec(x, y, z))
    rotation.SetRotation(gp_Ax1(ORIGIN, gp_Dir(1, 1, 0)), turn)
    return TopLoc_Location(move.Multiplied(rotation))


def cut(one: TopoDS_Shape, *others: TopoDS_Shape) -> TopoDS_Shape:
    for other in others:
        one = BRepAlgoAPI_Cut(one, other).Shape()
    return one


def fuse(one: TopoDS_Shape, *others: TopoDS_Shape) -> TopoDS_Shape:
    for other in others:
        one = BRepAlgoAPI_Fuse(one, other).Shape()
    return one


def rounded(shape: TopoDS_Shape, radius: float, chamfer: bool = False) -> TopoDS_Shape:
    maker = BRepFilletAPI_MakeChamfer(shape) if chamfer else BRepFilletAPI_MakeFillet(shape)
    edges = TopExp_Explorer(shape, TopAbs_EDGE)
    seen: list[TopoDS_Shape] = []
    while edges.More():
        edge = edges.Current()
        if not any(edge.IsSame(other) for other in seen):
            seen.append(edge)
            maker.Add(radius, TopoDS.Edge_s(edge))
        edges.Next()
    return maker.Shape()


def wire(curve: gp_Circ | gp_Elips) -> object:
    return BRepBuilderAPI_MakeWire(BRepBuilderAPI_MakeEdge(curve).Edge()).Wire()


def loft() -> TopoDS_Shape:
    maker = BRepOffsetAPI_ThruSections(True)
    maker.AddWire(wire(gp_Circ(axes(0, 0, 0), 10)))
    maker.AddWire(wire(gp_Elips(axes(2, 1, 15), 12, 5)))
    maker.AddWire(wire(gp_Circ(axes(0, 0, 30), 6)))
    return maker.Shape()


def pipe() -> TopoDS_Shape:
    path = wire(gp_Circ(axes(0, 0, 0), 30))
    profile = BRepBuilderAPI_MakeFace(wire(gp_Circ(axes(30, 0, 0, gp_Dir(0, 1, 0)), 4))).Face()
    return BRepOffsetAPI_MakePipe(path, profile).Shape()


def revolved() -> TopoDS_Shape:
    face = BRepBuilderAPI_MakeFace(wire(gp_Elips(axes(20, 0, 0, gp_Dir(0, 1, 0)), 6, 3))).Face()
    return BRepPrimAPI_MakeRevol(face, gp_Ax1(ORIGIN, UP), 4.0).Shape()


BOX = BRepPrimAPI_MakeBox(40.0, 30.0, 10.0).Shape()
CYLINDER = BRepPrimAPI_MakeCylinder(8.0, 25.0).Shape()
PARTS: dict[str, Callable[[], TopoDS_Shape]] = {
    "box": lambda: BOX,
    "cylinder": lambda: CYLINDER,
    "thin tube": lambda: cut(CYLINDER, BRepPrimAPI_MakeCylinder(7.9, 25.0).Shape()),
    "cone": lambda: BRepPrimAPI_MakeCone(10.0, 4.0, 15.0).Shape(),
    "pointed cone": lambda: BRepPrimAPI_MakeCone(10.0, 0.0, 15.0).Shape(),
    "sphere": lambda: BRepPrimAPI_MakeSphere(12.0).Shape(),
    "cap": lambda: BRepPrimAPI_MakeSphere(ORIGIN, 12.0, 0.2, 1.2).Shape(),
    "torus": lambda: BRepPrimAPI_MakeTorus(20.0, 5.0).Shape(),
    "wedge": lambda: BRepPrimAPI_MakeWedge(20.0, 10.0, 15.0, 5.0).Shape(),
    "half cylinder": lambda: BRepPrimAPI_MakeCylinder(axes(0, 0, 0), 8.0, 25.0, 3.0).Shape(),
    "plate with bores": lambda: cut(
        BOX, *(BRepPrimAPI_MakeCylinder(axes(x, y, -1), r, 20).Shape() for x, y, r in ((8, 8, 3), (30, 8, 1), (20, 20, 6)))
    ),
    "cross bores": lambda: cut(
        BOX, BRepPrimAPI_MakeCylinder(axes(-1, 15, 5, gp_Dir(1, 0, 0)), 3, 60).Shape(),
        BRepPrimAPI_MakeCylinder(axes(20, -1, 5, gp_Dir(0, 1, 0)), 2.5, 60).Shape(),
    ),
    "rounded box": lambda: rounded(BOX, 2.0),
    "chamfered box": lambda: rounded(BOX, 1.5, chamfer=True),
    "rounded cylinder": lambda: rounded(CYLINDER, 1.0),
    "cup": lambda: cut(CYLINDER, BRepPrimAPI_MakeCylinder(axes(0, 0, 3), 6, 30).Shape()),
    "hollow ball": lambda: cut(BRepPrimAPI_MakeSphere(12.0).Shape(), BRepPrimAPI_MakeSphere(10.0).Shape()),
    "bolt": lambda: fuse(
        CYLINDER, BRepPrimAPI_MakeCylinder(axes(0, 0, 25), 13, 8).Shape(),
        *(BRepPrimAPI_MakeTorus(axes(0, 0, 4 + 4 * turn), 8, 0.8).Shape() for turn in range(5)),
    ),
    "loft": loft,
    "pipe": pipe,
    "revolved ellipse": revolved,
    "splines": lambda: BRepBuilderAPI_NurbsConvert(rounded(BOX, 2.0)).Shape(),
    "spline cone": lambda: BRepBuilderAPI_NurbsConvert(BRepPrimAPI_MakeCone(10.0, 4.0, 15.0).Shape()).Shape(),
    "two bodies": lambda: fuse(BOX, BRepPrimAPI_MakeBox(gp_Pnt(60, 0, 0), 5.0, 5.0, 5.0).Shape()),
    "elliptic prism": lambda: BRepPrimAPI_MakePrism(
        BRepBuilderAPI_MakeFace(wire(gp_Elips(axes(0, 0, 0), 12, 5))).Face(), gp_Vec(2, 0, 20)
    ).Shape(),
}  # fmt: skip
TREES: dict[str, list[tuple[str, TopLoc_Location]]] = {
    "many bolts": [("bolt", at(40 * n, 0, 0, 0.3 * n)) for n in range(12)],
    "plate and pins": [("plate with bores", at(0)), ("cylinder", at(8, 8)), ("cylinder", at(20, 20, 0, 1.0))],
    "far apart": [("box", at(0)), ("torus", at(9000, 0, 0))],
}


def write(path: Path, document: TDocStd_Document, schema: str, unit: str) -> None:
    STEPCAFControl_Writer()  # makes the settings known
    Interface_Static.SetCVal_s("write.step.schema", SCHEMAS[schema])
    Interface_Static.SetCVal_s("write.step.unit", unit)
    writer = STEPCAFControl_Writer()
    writer.SetNameMode(True)
    writer.SetColorMode(True)
    writer.Transfer(document, STEPControl_AsIs)
    writer.Write(str(path))


def document(parts: Iterable[str], places: list[tuple[str, TopLoc_Location]]) -> TDocStd_Document:
    made = TDocStd_Document(TCollection_ExtendedString("x"))
    tool = XCAFDoc_DocumentTool.ShapeTool_s(made.Main())
    colours = XCAFDoc_DocumentTool.ColorTool_s(made.Main())
    labels = {}
    top = tool.NewShape() if places else None
    if top is not None:
        TDataStd_Name.Set_s(top, TCollection_ExtendedString("assembly"))
    for number, name in enumerate(dict.fromkeys(parts)):
        labels[name] = tool.AddShape(PARTS[name](), False)
        TDataStd_Name.Set_s(labels[name], TCollection_ExtendedString(name))
        colours.SetColor(labels[name], Quantity_Color(number % 2, 0.5, 0.2, Quantity_TOC_RGB), XCAFDoc_ColorSurf)
    for name, place in places:
        tool.AddComponent(top, labels[name], place)
    if places:
        tool.UpdateAssemblies()
    return made


def make(folder: Path) -> dict[str, dict[str, float]]:
    """Write the corpus; every shape once, in schemas and units by turns, and a few in the spelling of other programs."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[tuple[str, list[str], list[tuple[str, TopLoc_Location]]]] = [(name, [name], []) for name in PARTS]
    jobs += [
        (f"{name} {turn}", [part for part, _ in places], places) for name, places in TREES.items() for turn in range(4)
    ]
    for number, (name, parts, places) in enumerate(jobs):
        schema = list(SCHEMAS)[number % len(SCHEMAS)]
        unit = UNITS[number % len(UNITS)]
        write(folder / f"{name}, {schema}, {unit}.step".replace(" ", "_"), document(parts, places), schema, unit)
    for name, change in {
        "comments.stp": lambda text: text.replace("DATA;", "DATA;\n/* '; #1=X(); */", 1),
        "one_line.STP": lambda text: text.replace("\n", " "),
        "windows.step": lambda text: text.replace("\n", "\r\n"),
        "spaced.step": lambda text: re.sub(r"^#(\d+) =", r"#\1   =\n  ", text, flags=re.MULTILINE),
    }.items():
        source = next(folder.glob("plate_and_pins_0*.step")).read_text("latin-1")
        (folder / name).write_bytes(change(source).encode("latin-1"))
    return {path.name: measure(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in (".stp", ".step")}


def measure(path: Path) -> dict[str, float]:
    """What Open CASCADE says of the shapes in a file."""
    reader = STEPControl_Reader()
    here = Path.cwd()
    os.chdir(path.parent)
    reader.ReadFile(path.name)
    os.chdir(here)
    reader.TransferRoots()
    shape = reader.OneShape()
    area, volume = GProp_GProps(), GProp_GProps()
    # Gauss's points are too few for splines, and adaptive ones go wrong on an extruded ellipse.
    adaptive = (1e-6,) if "spline" in path.name else ()
    BRepGProp.SurfaceProperties_s(shape, area, *adaptive)
    BRepGProp.VolumeProperties_s(shape, volume, *adaptive, True)
    return {"area": area.Mass(), "volume": volume.Mass()}


if __name__ == "__main__":
    STEPCAFControl_Reader()
    if sys.argv[1] == "make":
        target = Path(sys.argv[2])
        figures = make(target)
        (target / "figures.json").write_text(json.dumps(figures, indent=1), "utf-8")
    else:
        print(json.dumps({name: measure(Path(name)) for name in sys.argv[2:]}))
