# SPDX-License-Identifier: GPL-3.0-or-later
"""STEP files (ISO 10303-21) as text: what Open CASCADE's converter does not say, and how a file is readied for it.

The converter keeps neither names of other code pages nor what is hidden, reads no other files that an assembly refers to,
and says nothing of faces that it could not mesh. All that stands in the text of the file.
"""

import math
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PureWindowsPath

from .names import code_page, readable

_COMMENT = re.compile(r"('[^']*+')|/\*.*?\*/", re.DOTALL)
_ENTITY = re.compile(r"#(\d+)\s*+=\s*+((?:[^';]++|'[^']*+')*+);")
_BETWEEN = re.compile(r"(?:\s|ENDSEC\s*;|DATA\b[^;]*;)*+")
_KEYWORD = re.compile(r"([A-Z][A-Z0-9_]*)\s*\(")
_REFERENCE = re.compile(r"#(\d+)")
_NUMBER = re.compile(r"[-+]?[\d.]+(?:[Ee][-+]?\d+)?")
_PIECE = re.compile(r"'(?:[^']|'')*'|[(),]|[^'(),]+")
_ANCHOR = re.compile(r"<([^<>]*)>\s*=\s*#(\d+)")
_EXTERNAL = re.compile(r"#(\d+)\s*=\s*<([^<>#]*)#([^<>]*)>")
"""Entries of the ANCHOR and REFERENCE sections (ISO 10303-21:2016, sections 9 and 10)."""
_FACES = frozenset({"ADVANCED_FACE", "FACE_SURFACE"})
_SOLIDS = frozenset({"MANIFOLD_SOLID_BREP", "BREP_WITH_VOIDS", "FACETED_BREP"})
_SHELLS = frozenset({
    "CLOSED_SHELL", "OPEN_SHELL", "ORIENTED_CLOSED_SHELL", "ORIENTED_OPEN_SHELL", "CONNECTED_FACE_SET",
    "SHELL_BASED_SURFACE_MODEL", "FACE_BASED_SURFACE_MODEL",
})  # fmt: skip
_COPIES = frozenset({"MAPPED_ITEM", "REPRESENTATION_MAP"})
_PREFIXES = {
    "": 1.0, "EXA": 1e18, "PETA": 1e15, "TERA": 1e12, "GIGA": 1e9, "MEGA": 1e6, "KILO": 1e3, "HECTO": 1e2, "DECA": 10.0,
    "DECI": 0.1, "CENTI": 1e-2, "MILLI": 1e-3, "MICRO": 1e-6, "NANO": 1e-9, "PICO": 1e-12,
}  # fmt: skip
PART, PLACE = "simsearch part ", "simsearch place "
"""What `StepFile.prepared` puts before the number of a product or an occurrence, in place of its name."""


@dataclass
class Part:
    """What a file says of one product.

    Attributes:
        name: as the CAD program shows it.
        faces: number of faces of its own surface; 0 where it has none that are counted.
        closed: whether all of its faces bound solids.
        area: square metres as the CAD program stated them, if it did.
        hidden: number of its bodies that the CAD program hides.
    """

    name: str
    faces: int = 0
    closed: bool = False
    area: float | None = None
    hidden: int = 0


@dataclass
class StepFile:
    """The entities of a STEP file, with those of the files beside it that it refers to.

    Attributes:
        header: all that stands before the entities.
        entities: by number, what stands behind the equals sign; every character is a byte of the file.
        missing: names of files that it refers to and that cannot be read as STEP beside it.
        anchors: entities that other files may refer to, by name (edition 3).
        externals: file and anchor of each entity that is in another file (edition 3); the file is empty for this one.
    """

    header: str
    entities: dict[int, str]
    missing: list[str] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    externals: dict[int, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "StepFile":
        """Read a file with all that it refers to.

        Raises:
            ValueError: it is no STEP file, cut off or damaged.
            OSError: it cannot be read.
        """
        main = cls._read_alone(path)
        whole = cls(main.header, {})
        files, firsts = {path.resolve(): main}, {path.resolve(): 0}
        links: list[tuple[Path, int, Path]] = []
        beside: dict[tuple[Path, str], Path] = {}  # by the file that names it and the name
        waiting = [path.resolve()]
        while waiting:
            one = waiting.pop()
            firsts[one] = max(whole.entities, default=0)
            whole.entities.update(
                (number + firsts[one], _renumbered(content, firsts[one]))
                for number, content in files[one].entities.items()
            )
            documents = files[one].documents()
            names = [*documents.values(), *dict.fromkeys(name for name, _ in files[one].externals.values() if name)]
            for name in names:
                other = _beside(one, name)
                if other is not None and other not in files:
                    try:
                        files[other] = cls._read_alone(other)
                        waiting.append(other)
                    except (ValueError, OSError):
                        other = None
                if other is None:
                    whole.missing.append(name)
                else:
                    beside[one, name] = other
            links += [(one, number, beside[one, name]) for number, name in documents.items() if (one, name) in beside]
        for one, definition, other in links:
            whole._stand_in(files[one], definition, firsts[one], files[other], firsts[other])
        whole._resolve(files, firsts, beside)
        return whole

    @classmethod
    def _read_alone(cls, path: Path) -> "StepFile":
        text = path.read_bytes().decode("latin-1")
        if "/*" in text:
            text = _COMMENT.sub(lambda match: match[1] or " ", text)
        start = re.search(r"ENDSEC\s*;\s*DATA\b[^;]*;", text)
        if not text.lstrip().startswith("ISO-10303-21") or start is None:
            raise ValueError(f"{path} is no STEP file")
        entities, end = {}, start.end()
        for match in _ENTITY.finditer(text, end):
            if not _BETWEEN.fullmatch(text, end, match.start()):
                raise ValueError(f"{path} is damaged before #{match[1]}")
            entities[int(match[1])] = match[2]
            end = match.end()
        if "END-ISO-10303-21" not in text[end:]:
            raise ValueError(f"{path} is cut off")
        header = re.search(r"ENDSEC\s*;", text)
        assert header is not None  # the one before DATA at the latest
        between = text[header.end() : start.start()]
        anchors = {name: int(number) for name, number in _ANCHOR.findall(between)}
        externals = {
            int(number): (urllib.parse.unquote(name), anchor) for number, name, anchor in _EXTERNAL.findall(between)
        }
        file = cls(f"{text[: header.end()]}\nDATA;", entities, anchors=anchors, externals=externals)
        for number, name in file._written_names().items():  # each file may have a code page of its own
            file._rename(number, "PRODUCT", escaped(name))
        return file

    def text(self) -> bytes:
        """The file as it can be written."""
        header = self.header.encode("ascii", "replace").decode("ascii")
        body = "\n".join(f"#{number}={content};" for number, content in self.entities.items())
        return f"{header}\n{body}\nENDSEC;\nEND-ISO-10303-21;\n".encode("latin-1")

    @cached_property
    def kinds(self) -> dict[str, list[int]]:
        """Numbers of the entities of each kind; a complex one is of several."""
        found: dict[str, list[int]] = {}
        for number, content in self.entities.items():
            for kind in _kinds(content):
                found.setdefault(kind, []).append(number)
        return found

    def kind(self, number: int) -> str:
        """The first kind of an entity; empty where there is none."""
        return next(iter(_kinds(self.entities.get(number, ""))), "")

    def all(self, *kinds: str) -> Iterator[tuple[int, list[str]]]:
        """Number and arguments of every entity of some kinds."""
        for kind in kinds:
            for number in self.kinds.get(kind, ()):
                yield number, arguments(self.entities[number], kind)

    def references(self, number: int) -> list[int]:
        """The entities that one names, in its own order."""
        return references(self.entities.get(number, ""))

    def reached(self, start: Iterable[int], stop: frozenset[str] = frozenset()) -> set[int]:
        """All entities that some name, themselves or through others, but not through those of the kinds ``stop``."""
        found: set[int] = set()
        waiting = list(start)
        while waiting:
            number = waiting.pop()
            if number not in found and number in self.entities:
                found.add(number)
                if self.kind(number) not in stop:
                    waiting += self.references(number)
        return found

    # What is shown, and under which name

    @cached_property
    def definitions(self) -> dict[int, int]:
        """The PRODUCT of every PRODUCT_DEFINITION."""
        formations = {
            number: found[0]
            for kind in self.kinds
            if kind.startswith("PRODUCT_DEFINITION_FORMATION")
            for number in self.kinds[kind]
            if (found := [other for other in self.references(number) if self.kind(other) == "PRODUCT"])
        }
        return {
            number: formations[formation]
            for kind in ("PRODUCT_DEFINITION", "PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS")
            for number in self.kinds.get(kind, ())
            for formation in self.references(number)
            if formation in formations
        }

    @cached_property
    def representations(self) -> dict[int, list[int]]:
        """The representations of every PRODUCT_DEFINITION, with those that stand for the same shape."""
        same: dict[int, list[int]] = {}
        for kind in ("SHAPE_REPRESENTATION_RELATIONSHIP", "REPRESENTATION_RELATIONSHIP"):
            for number in self.kinds.get(kind, ()):
                if "_WITH_TRANSFORMATION" not in self.entities[number]:
                    first, *second = self.references(number)[:2] or [0]
                    for other in second:
                        same.setdefault(first, []).append(other)
                        same.setdefault(other, []).append(first)
        found: dict[int, list[int]] = {}
        for _, values in self.all("SHAPE_DEFINITION_REPRESENTATION"):
            shape, representation = (references(value)[0] if references(value) else 0 for value in values[:2])
            for definition in self.references(shape):
                if definition in self.definitions:
                    waiting, seen = [representation], found.setdefault(definition, [])
                    while waiting:
                        if (one := waiting.pop()) not in seen:
                            seen.append(one)
                            waiting += same.get(one, [])
        return found

    @cached_property
    def occurrences(self) -> dict[int, int]:
        """The PRODUCT_DEFINITION that every NEXT_ASSEMBLY_USAGE_OCCURRENCE places."""
        return {
            number: references(values[4])[0]
            for number, values in self.all("NEXT_ASSEMBLY_USAGE_OCCURRENCE")
            if len(values) > 4 and references(values[4])
        }

    @cached_property
    def names(self) -> dict[int, str]:
        """The readable name of every PRODUCT; its identifier where it has no name."""
        return self._written_names()

    def _written_names(self) -> dict[int, str]:
        written = {number: [_string(value) for value in values[:2]] for number, values in self.all("PRODUCT")}
        page = code_page(text for texts in written.values() for text in texts)
        read = {number: [readable(text, page) for text in texts] for number, texts in written.items()}
        return {number: next(filter(None, reversed(texts)), "") for number, texts in read.items()}

    @cached_property
    def hidden(self) -> set[int]:
        """The bodies, representations and occurrences that the CAD program does not show."""
        found: set[int] = set()
        waiting = [number for hidden in self.kinds.get("INVISIBILITY", ()) for number in self.references(hidden)]
        seen: set[int] = set()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            kind = self.kind(number)
            if kind == "PRESENTATION_LAYER_ASSIGNMENT":
                waiting += self.references(number)
            elif kind.endswith("STYLED_ITEM"):
                values = arguments(self.entities[number], kind)
                contexts = references(values[4]) if kind.startswith("CONTEXT_DEPENDENT") else [
                    self.references(style)[-1]
                    for style in references(values[1])
                    if self.kind(style) == "PRESENTATION_STYLE_BY_CONTEXT"
                ]  # fmt: skip
                # In the context of an occurrence the item is the shape of every one of them.
                usages = [one for context in contexts for one in self._usages(context)]
                waiting += usages or references(values[2])
            else:
                found.add(number)
        return found

    def _usages(self, context: int) -> list[int]:
        """The occurrences that the context of a style stands for."""
        shapes = [context, *self.references(context)]
        for _, values in self.all("SHAPE_DEFINITION_REPRESENTATION"):
            if references(values[1]) == [context]:
                shapes += references(values[0])
        return [one for shape in shapes for one in [shape, *self.references(shape)] if one in self.occurrences]

    def parts(self) -> dict[int, Part]:
        """What the file says of every PRODUCT, by its number."""
        found = {number: Part(name) for number, name in self.names.items()}
        areas = self._areas()
        for definition, product in self.definitions.items():
            if product not in found:
                continue
            part = found[product]
            bodies = [body for one in self.representations.get(definition, ()) for body in self._bodies(one)]
            shown = [body for body in bodies if body not in self.hidden]
            if self.hidden.intersection(self.representations.get(definition, ())):
                shown = []
            part.hidden += len(bodies) - len(shown)
            counts = [self._faces(body) for body in shown]
            part.faces += sum(counts)
            part.closed = bool(shown) and all(self.kind(body) in _SOLIDS for body in shown)
            stated = areas.get(definition, [])
            if not part.hidden and len(stated) in (1, len(bodies)):
                part.area = sum(stated)
        return found

    def _bodies(self, representation: int) -> list[int]:
        values = arguments(self.entities.get(representation, ""), self.kind(representation))
        items = references(values[1]) if len(values) > 1 else []
        return [item for item in items if self.kind(item) in _SOLIDS | _SHELLS | _COPIES]

    def _faces(self, body: int, depth: int = 0) -> int:
        """Number of faces of a body, those of mapped copies as often as they are mapped."""
        kind = self.kind(body)
        if kind in _FACES:
            return 1
        if depth > 8 or not (kind in _SOLIDS | _SHELLS | _COPIES or kind.endswith("REPRESENTATION")):
            return 0
        counts = Counter(self.references(body))
        return sum(times * self._faces(number, depth + 1) for number, times in counts.items())

    def _areas(self) -> dict[int, list[float]]:
        """Square metres that validation properties state for each PRODUCT_DEFINITION: of the whole or of every body."""
        found: dict[int, list[float]] = {}
        for _, values in self.all("PROPERTY_DEFINITION_REPRESENTATION"):
            about = self.reached(references(values[0]), frozenset({"PRODUCT_DEFINITION"})) & self.definitions.keys()
            for item in self.references(next(iter(references(values[-1])), 0)) if len(about) == 1 else ():
                content = self.entities.get(item, "")
                stated = re.search(r"AREA_MEASURE\s*\(\s*([-+.\dE]+)\s*\)", content)
                if stated and "surface area" in content:
                    units = self.reached(references(content[stated.end() :]))
                    lengths = [self._metres(unit) for unit in units if "LENGTH_UNIT" in _kinds(self.entities[unit])]
                    if lengths:
                        found.setdefault(min(about), []).append(float(stated[1]) * lengths[0] ** 2)
        return found

    def _metres(self, unit: int) -> float:
        """Metres of a LENGTH_UNIT."""
        content = self.entities.get(unit, "")
        if si := re.search(r"SI_UNIT\s*\(\s*(?:\.(\w*)\.|\$)\s*,\s*\.METRE\.", content):
            return _PREFIXES.get(si[1] or "", 1.0)
        for measure in self.references(unit):
            if value := re.search(r"LENGTH_MEASURE(?:_WITH_UNIT)?\s*\(\s*([-+.\dE]+)", self.entities.get(measure, "")):
                return float(value[1]) * math.prod(
                    self._metres(other)
                    for other in self.references(measure)
                    if "LENGTH_UNIT" in _kinds(self.entities.get(other, ""))
                )
        return 1e-3

    def documents(self) -> dict[int, str]:
        """The name of the file that holds the shape of a PRODUCT_DEFINITION, for those whose shape is elsewhere."""
        identified = {
            item: _string(values[0])
            for _, values in self.all("APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT")
            for item in references(values[-1])
        }
        # A DOCUMENT stands for the version of a product whose definition lists the files.
        versions = {
            document: formation
            for number in self.kinds.get("DOCUMENT_PRODUCT_EQUIVALENCE", ())
            for document, formation in [self.references(number)[:2]]
        }
        files = {
            formation: [number for number in rest if self.kind(number) == "DOCUMENT_FILE"]
            for definition in self.kinds.get("PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS", ())
            for formation, *rest in [self.references(definition)]
        }
        found = {}
        for _, values in self.all("APPLIED_DOCUMENT_REFERENCE"):
            document = next(iter(references(values[0])), 0)
            listed = [document] if self.kind(document) == "DOCUMENT_FILE" else files.get(versions.get(document, 0), [])
            for definition in references(values[-1]):
                bodies = [body for one in self.representations.get(definition, ()) for body in self._bodies(one)]
                if listed and definition in self.definitions and not bodies:
                    own = _string(arguments(self.entities[listed[0]], "DOCUMENT_FILE")[0])
                    name = identified.get(listed[0]) or own
                    found[definition] = readable(name, code_page([name]))
        return found

    # How the text is changed

    def _rename(self, number: int, kind: str, name: str) -> None:
        values = arguments(self.entities[number], kind)
        values[:2] = [f"'{name}'"] * 2
        self.entities[number] = f"{kind}({','.join(values)})"

    def _stand_in(self, file: "StepFile", definition: int, first: int, other: "StepFile", others_first: int) -> None:
        """Let the root of another file stand wherever a product is placed whose shape lies there."""
        placed = set(other.occurrences.values())
        root = next((one for one in other.representations if one not in placed), None)
        if root is None:
            return
        for number in file.kinds.get("NEXT_ASSEMBLY_USAGE_OCCURRENCE", ()):
            self._replace(number + first, {definition + first: root + others_first})
        shapes = dict.fromkeys(
            (one + first for one in file.representations.get(definition, ())),
            other.representations[root][0] + others_first,
        )
        for number in file.kinds.get("REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION", ()):
            self._replace(number + first, shapes)

    def _resolve(
        self, files: "dict[Path, StepFile]", firsts: dict[Path, int], beside: dict[tuple[Path, str], Path]
    ) -> None:
        """Put the entities of other files in place of the references to them (edition 3)."""

        def target(path: Path, name: str, anchor: str) -> tuple[Path, int] | None:
            """File and number of an entity. An anchor may stand for an entity of yet another file."""
            for _ in files:
                place = beside.get((path, name)) if name else path
                number = files[place].anchors.get(anchor) if place else None
                if place is None or number is None:
                    return None
                if number not in files[place].externals:
                    return place, number
                path, (name, anchor) = place, files[place].externals[number]
            return None

        for path, file in files.items():
            found = {}
            for number, (name, anchor) in file.externals.items():
                if there := target(path, name, anchor):
                    found[number + firsts[path]] = there[1] + firsts[there[0]]
                elif (path, name) in beside or not name:
                    self.missing.append(f"{name}#{anchor}")
            for number in file.entities if found else ():
                self._replace(number + firsts[path], found)

    def _replace(self, number: int, others: dict[int, int]) -> None:
        self.entities[number] = _REFERENCE.sub(
            lambda match: f"#{others.get(int(match[1]), int(match[1]))}", self.entities[number]
        )

    def prepared(self) -> "StepFile":
        """The file with numbers in place of names and without bodies that are hidden."""
        ready = StepFile(self.header, dict(self.entities), self.missing)
        for product in self.names:
            ready._rename(product, "PRODUCT", f"{PART}{product}")
        for place in self.occurrences:
            ready._rename(place, "NEXT_ASSEMBLY_USAGE_OCCURRENCE", f"{PLACE}{place}")
        for representation in {one for several in self.representations.values() for one in several}:
            if self.hidden.intersection(self._bodies(representation)):
                kind = self.kind(representation)
                values = arguments(self.entities[representation], kind)
                values[1] = f"({','.join(f'#{item}' for item in references(values[1]) if item not in self.hidden)})"
                ready.entities[representation] = f"{kind}({','.join(values)})"
        return ready

    def without_seams(self, products: Iterable[int]) -> "StepFile":
        """The file with the round faces of some products bounded by their circles alone.

        A cylinder or cone is cut open along a line that its boundary runs through twice. Where that seam lies off the
        surface by rounding, Open CASCADE loses the face; it makes a seam of its own where there is none.
        """
        changed = StepFile(self.header, dict(self.entities), self.missing)
        wanted = set(products)
        definitions = [one for one, product in self.definitions.items() if product in wanted]
        shapes = [shape for one in definitions for shape in self.representations.get(one, ())]
        last = max(self.entities)
        for face in self.reached(shapes, _FACES):
            if self.kind(face) not in _FACES:
                continue
            values = arguments(self.entities[face], self.kind(face))
            bounds = references(values[1])
            rings = [ring for bound in bounds for ring in self._rings(bound)]
            if len(rings) > len(bounds):
                numbers = []
                for ring, sense in rings:
                    loop, bound = last + 1, last + 2
                    last += 2
                    changed.entities[loop] = f"EDGE_LOOP('',({','.join(f'#{edge}' for edge in ring)}))"
                    changed.entities[bound] = f"FACE_BOUND('',#{loop},{sense})"
                    numbers.append(bound)
                values[1] = f"({','.join(f'#{number}' for number in numbers)})"
                changed.entities[face] = f"{self.kind(face)}({','.join(values)})"
        return changed

    def _rings(self, bound: int) -> list[tuple[list[int], str]]:
        """The oriented edges of a bound and its sense; two lists where a seam joins them."""
        values = arguments(self.entities[bound], self.kind(bound))
        sense = values[2]
        edges = [edge for loop in references(values[1]) for edge in self.references(loop)]
        curves = [next(iter(self.references(edge)), 0) for edge in edges]
        seams = [curve for curve, times in Counter(curves).items() if times == 2]
        if len(seams) == 1:
            first, second = (at for at, curve in enumerate(curves) if curve == seams[0])
            rings = [edges[first + 1 : second], edges[second + 1 :] + edges[:first]]
            if all(rings):
                return [(ring, sense) for ring in rings]
        return [(edges, sense)]

    def moved(self, offsets: dict[int, tuple[float, float, float]]) -> "StepFile":
        """The file with the shapes of some products nearer to the origin, and placed so that nothing moves as a whole.

        Args:
            offsets: metres that are taken from every point of a product's own shape, by PRODUCT. What a root product is
                moved by shows; of all others the places make up for it.
        """
        changed = StepFile(self.header, dict(self.entities), self.missing)
        shift: dict[int, tuple[float, ...]] = {}  # by representation, in its own unit
        for definition, product in self.definitions.items():
            if product in offsets:
                for one in self.representations.get(definition, ()):
                    metres = self._unit(one)
                    shift[one] = tuple(value / metres for value in offsets[product])
        done: set[int] = set()
        for one, offset in shift.items():
            points = self.reached(self._bodies(one))
            for number in points - done:
                if self.kind(number) == "CARTESIAN_POINT":
                    changed.entities[number] = self._shifted(number, offset)
            done |= points
        last = max(self.entities)
        for number in self.kinds.get("REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION", ()):
            child, parent, transformation = self.references(number)[:3]
            if not shift.keys() & {child, parent} or self.kind(transformation) != "ITEM_DEFINED_TRANSFORMATION":
                continue
            places = []
            for shape, place in zip((child, parent), self.references(transformation)[:2], strict=True):
                point = self.references(place)[0]
                changed.entities[last + 1] = self._shifted(point, shift.get(shape, (0.0, 0.0, 0.0)))
                values = arguments(self.entities[place], "AXIS2_PLACEMENT_3D")
                changed.entities[last + 2] = f"AXIS2_PLACEMENT_3D('',#{last + 1},{','.join(values[2:])})"
                places.append(last + 2)
                last += 2
            changed.entities[last + 1] = f"ITEM_DEFINED_TRANSFORMATION('','',#{places[0]},#{places[1]})"
            changed._replace(number, {transformation: last + 1})
            last += 1
        return changed

    def _unit(self, representation: int) -> float:
        """Metres of the unit of length in a representation."""
        context = next(iter(self.references(representation)[::-1]), 0)
        units = [one for one in self.references(context) if "LENGTH_UNIT" in _kinds(self.entities.get(one, ""))]
        return self._metres(units[0]) if units else 1e-3

    def _shifted(self, point: int, offset: tuple[float, ...]) -> str:
        values = [float(value) for value in _NUMBER.findall(arguments(self.entities[point], "CARTESIAN_POINT")[1])]
        if len(values) != len(offset):
            return self.entities[point]  # in the plane of a surface's parameters
        near = (value - taken for value, taken in zip(values, offset, strict=True))
        return f"CARTESIAN_POINT('',({','.join(f'{value:.15E}' for value in near)}))"


def arguments(content: str, kind: str) -> list[str]:
    """The arguments of an entity, or of one part of a complex one, as they are written."""
    start = re.search(rf"\b{kind}\s*\(", content)
    if start is None:
        return []
    found, depth = [""], 0
    for piece in _PIECE.findall(content, start.end()):
        if depth == 0 and piece == ",":
            found.append("")
            continue
        depth += (piece == "(") - (piece == ")")
        if depth < 0:
            break
        found[-1] += piece
    return found


def references(text: str) -> list[int]:
    """The numbers of the entities that a piece of text names."""
    return [int(number) for number in _REFERENCE.findall(text)]


def escaped(name: str) -> str:
    """A name as the standard writes it."""
    plain = name.replace("\\", "\\\\").replace("'", "''")
    return re.sub(r"[^\x20-\x7e]+", lambda match: f"\\X2\\{match[0].encode('utf-16-be').hex().upper()}\\X0\\", plain)


def _kinds(content: str) -> list[str]:
    if content[:1] == "(":
        return _KEYWORD.findall(content)
    return [content.split("(", 1)[0].strip()]


def _string(value: str) -> str:
    """What stands between the quotes of an argument; empty where it is no string."""
    value = value.strip()
    return value[1:-1] if value[:1] == "'" else ""


def _renumbered(content: str, first: int) -> str:
    if not first:
        return content
    return re.sub(r"('[^']*')|#(\d+)", lambda match: match[1] or f"#{int(match[2]) + first}", content)


def _beside(path: Path, name: str) -> Path | None:
    """The file of that name in the folder of another or below it, in any case; ``None`` where there is none."""
    folder = path.parent
    for candidate in (PureWindowsPath(name), PureWindowsPath(PureWindowsPath(name).name)):
        found = folder
        for part in candidate.parts:
            matching = (
                [one for one in found.iterdir() if one.name.casefold() == part.casefold()] if found.is_dir() else []
            )
            found = matching[0] if matching else found / part
        if found.is_file() and folder in found.parents:
            return found.resolve()
    return None
