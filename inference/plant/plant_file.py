# SPDX-License-Identifier: GPL-3.0-or-later
"""The plant file, ``plant.toml``: which stations there are, where their scenes, photos and results lie, what differs."""

import difflib
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..encoder import PRECISIONS, VARIANTS
from ..errors import InputError
from ..files import is_file, label_problem, reason, shown
from ..output_folder import OutputFolder
from ..preprocessing import crop_problem

BUILD, VALIDATE = "build", "validate"


@dataclass(frozen=True)
class Setting:
    """A setting of a station: what it must be, in words and as a test, and which commands take it as an option."""

    must_be: str
    fits: Callable[[Any], bool]
    commands: tuple[str, ...]


def _whole(low: int, high: int = 2**31 - 1) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _crop(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 4 and all(map(_number, value))
    return numbers and crop_problem((value[0], value[1], value[2], value[3])) is None


SETTINGS = {
    "samples": Setting("a number from 1", _whole(1), (BUILD,)),
    "images_per_class": Setting("a number from 1", _whole(1), (BUILD,)),
    "resolution": Setting("a number of pixels from 1", _whole(1), (BUILD,)),
    "seed": Setting("a number from 0", _whole(0), (BUILD,)),
    "classes": Setting(
        'a list of class names, such as ["present", "absent"]',
        lambda value: _texts(value) and not any("," in label for label in value),
        (BUILD,),
    ),
    "crop": Setting("X, Y, width and height as shares, such as [0.1, 0.1, 0.5, 0.5]", _crop, (BUILD,)),
    "white_level": Setting("a number from 1 to 65535", _whole(1, 65535), (BUILD,)),
    "model": Setting(f"one of {', '.join(VARIANTS)}", lambda value: value in VARIANTS, (BUILD, VALIDATE)),
    "precision": Setting(f"one of {', '.join(PRECISIONS)}", lambda value: value in PRECISIONS, (BUILD, VALIDATE)),
    "k": Setting("a number from 1", _whole(1), (VALIDATE,)),
    "paper": Setting("true or false", lambda value: isinstance(value, bool), (VALIDATE,)),
}
"""The settings that override a scene's, by the name of the option."""

PLACES = ("photos", "output", "encoder")
OTHERS = {
    "name": Setting("a name", lambda value: isinstance(value, str), ()),
    "scene": Setting("the path of a .blend file", lambda value: isinstance(value, str), ()),
    "scenes": Setting('a pattern such as "stations/*/station.blend"', lambda value: isinstance(value, str), ()),
    "script": Setting("the path of a Python file", lambda value: isinstance(value, str), ()),
    "arguments": Setting("a list of texts", lambda value: value == [] or _texts(value), ()),
    **{name: Setting("a path", lambda value: isinstance(value, str) and value != "", ()) for name in PLACES},
    "target": Setting("a macro F1 from 0 to 1", lambda value: _number(value) and 0 <= value <= 1, ()),
}
KNOWN = SETTINGS | OTHERS
ONLY_STATION = ("name", "scene", "scenes", "script", "arguments")


@dataclass(frozen=True)
class Station:
    """One station of a plant.

    Attributes:
        name: unique in the plant, and a folder name on every system.
        scene: its .blend file, which ``script`` makes where there is one.
        output: its results.
        photos: folder with one folder of photos per class; None: it is not validated.
        script: Python file that makes the scene, in Blender; its last argument is the .blend file to write.
        arguments: what the script is given before that.
        settings: what overrides the scene, by the names in :data:`SETTINGS`.
        encoder: encoder file to use instead of the variant's own.
        target: macro F1 that it is to reach.
    """

    name: str
    scene: Path
    output: OutputFolder
    photos: Path | None
    script: Path | None
    arguments: tuple[str, ...]
    settings: Mapping[str, Any]
    encoder: Path | None
    target: float | None

    def options(self, command: str) -> list[str]:
        """The options of ``build`` or ``validate`` that this station sets."""
        options: list[str] = []
        for name, value in self.settings.items():
            option = f"--{name.replace('_', '-')}"
            if command not in SETTINGS[name].commands or value is False:
                continue
            if value is True:
                options.append(option)
            else:
                options.append(f"{option}={','.join(map(str, value)) if isinstance(value, list) else value}")
        return options + ([f"--encoder={self.encoder}"] if self.encoder else [])


@dataclass(frozen=True)
class Plant:
    """The ``stations`` that the plant file ``path`` lists."""

    path: Path
    stations: tuple[Station, ...]

    @property
    def history(self) -> Path:
        """The SQLite file of all results so far, beside the plant file."""
        return self.path.with_suffix(".sqlite")

    def chosen(self, patterns: str | None) -> tuple[Station, ...]:
        """The stations whose names fit one of the ``patterns``, which are separated by commas; None: all.

        Raises:
            InputError: a pattern fits none.
        """
        if patterns is None:
            return self.stations
        parts = [part.strip() for part in patterns.split(",") if part.strip()]
        names = [station.name for station in self.stations]
        problems = [
            f'No station is named "{shown(part)}". The stations are: {_some(names)}.'
            for part in parts
            if not any(fnmatchcase(name, part) for name in names)
        ]
        if problems or not parts:
            raise InputError(*(problems or ['--stations needs a name or a pattern, such as "door-*".']))
        return tuple(s for s in self.stations if any(fnmatchcase(s.name, part) for part in parts))


def _some(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def read_plant(path: Path) -> Plant:
    """Read a plant file.

    Raises:
        InputError: with every problem that can be seen without opening a scene.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no plant file {shown(path)}. Write one as docs/plant.md shows.") from None
    except OSError as error:
        raise InputError(f"{shown(path)} cannot be read: {reason(error)}. Choose another file.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shown(path)} is no TOML file: {reason(error)}. Correct it there.") from None
    return _Reader(path.absolute()).read(content)


class _Reader:
    """Collects the problems of a plant file instead of stopping at the first one."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.parent
        self.problems: list[str] = []

    def read(self, content: dict[str, Any]) -> Plant:
        defaults = content.pop("defaults", {})
        entries = content.pop("station", [])
        self.problems += [f"{self._where()} has an unknown part [{shown(name)}]. Remove it." for name in content]
        if not isinstance(defaults, dict):
            self.problems.append(f"defaults of {self._where()} is no table. Write [defaults] above it.")
            defaults = {}
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.problems.append(f"The stations of {self._where()} are no list. Write [[station]] above each.")
            entries = []
        elif not entries:
            self.problems.append(f"{self._where()} lists no station. Write [[station]] and its scene.")
        self._check(defaults, "defaults")
        self.problems += [
            f"{name} of the defaults belongs to one station. Move it to a [[station]]."
            for name in ONLY_STATION
            if name in defaults
        ]
        stations = []
        for number, entry in enumerate(entries, 1):
            label = f"station {shown(entry['name'])}" if isinstance(entry.get("name"), str) else f"station {number}"
            if self._check(entry, label):
                stations += self._stations(defaults, entry, label)
        self._check_unique(stations)
        if self.problems:
            raise InputError(*dict.fromkeys(self.problems))
        return Plant(self.path, tuple(stations))

    def _where(self) -> str:
        return shown(self.path.name)

    def _check(self, table: dict[str, Any], label: str) -> bool:
        """Whether every entry of ``table`` is known and fits; tells those that do not."""
        before = len(self.problems)
        for name, value in table.items():
            if name not in KNOWN:
                near = difflib.get_close_matches(name, KNOWN, 1)
                hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(KNOWN)}."
                self.problems.append(f"{shown(name)} of {label} is unknown. {hint}")
            elif not KNOWN[name].fits(value):
                self.problems.append(f"{name} of {label} must be {KNOWN[name].must_be}. Correct it in {self._where()}.")
        return len(self.problems) == before

    def _stations(self, defaults: dict[str, Any], entry: dict[str, Any], label: str) -> list[Station]:
        """The station of an entry, or all of a pattern."""
        ways = [name for name in ("scene", "scenes", "script") if name in entry]
        if len(ways) != 1:
            have = f"has {' and '.join(ways)}" if ways else "has no scene"
            self.problems.append(f"{label} {have}. Give it one of scene, scenes or script.")
            return []
        if ways == ["scenes"]:
            return self._matches(defaults, entry, label)
        name = entry.get("name")
        if name is None:
            if ways == ["script"]:
                self.problems.append(f"{label} has a script but no name. Give it one.")
                return []
            name = Path(entry["scene"]).stem
        return [self._station(defaults | entry, name, self.folder / entry["scene"] if "scene" in entry else None)]

    def _matches(self, defaults: dict[str, Any], entry: dict[str, Any], label: str) -> list[Station]:
        """One station for each file that fits a pattern, named after what differs: its folder or itself."""
        pattern = entry["scenes"]
        try:
            found = sorted(path for path in self.folder.glob(pattern) if is_file(path))
        except (ValueError, NotImplementedError, IndexError):
            found = []
        if not found:
            self.problems.append(f'No file fits "{shown(pattern)}", the scenes of {label}. Correct the pattern.')
        by_file = any(sign in Path(pattern).name for sign in "*?[")
        if "name" in entry and "{name}" not in entry["name"]:
            self.problems.append(f'The name of {label} must contain {{name}}, as its scenes are many: "hall-{{name}}".')
            return []
        stations = []
        for path in found:
            name = path.stem if by_file else path.parent.name
            stations.append(self._station(defaults | entry, entry.get("name", "{name}").replace("{name}", name), path))
        return stations

    def _station(self, entry: dict[str, Any], name: str, scene: Path | None) -> Station:
        if problem := label_problem(name):
            self.problems.append(problem.replace("class name", "station name").replace("A class", "A station"))
        own = scene.parent.name if scene else name
        places = {
            key: self.folder / str(value).replace("{name}", name).replace("{folder}", own)
            for key in PLACES
            if (value := entry.get(key)) is not None
        }
        output = OutputFolder(places.get("output", self.folder / "results" / name))
        script = self.folder / entry["script"] if "script" in entry else None
        for path, what in ((scene, "scene"), (script, "script"), (places.get("encoder"), "encoder")):
            if path is not None and not is_file(path):
                self.problems.append(
                    f"The {what} of station {shown(name)}, {shown(path)}, does not exist. Correct its path."
                )
        return Station(
            name=name,
            scene=scene or output.path / f"{name}.blend",
            output=output,
            photos=places.get("photos"),
            script=script,
            arguments=tuple(entry.get("arguments", ())),
            settings={key: entry[key] for key in SETTINGS if key in entry},
            encoder=places.get("encoder"),
            target=entry.get("target"),
        )

    def _check_unique(self, stations: list[Station]) -> None:
        """Tell names and folders that several stations have."""
        names: dict[str, str] = {}
        outputs: dict[Path, str] = {}
        for station in stations:
            folded = station.name.casefold()
            if folded in names:
                self.problems.append(f"Two stations are named {shown(station.name)}. Give one another name.")
            elif (place := station.output.path.resolve()) in outputs:
                self.problems.append(
                    f"Stations {shown(outputs[place])} and {shown(station.name)} have the same output, {shown(place)}. "
                    "Write {name} into it."
                )
            else:
                outputs[place] = station.name
            names[folded] = station.name


def missing_photos(stations: tuple[Station, ...]) -> list[str]:
    """A sentence for each station whose folder of photos is not there."""
    return [
        f"The photos of station {shown(station.name)}, {shown(station.photos)}, do not exist. Correct the path."
        for station in stations
        if station.photos is not None and not station.photos.is_dir()
    ]
