# SPDX-License-Identifier: GPL-3.0-or-later
"""Match the look of a scene to photos of the station: lamps, surroundings and materials, then the camera within its jitter.

Candidates of the look are rendered, embedded and compared with the photos, whose classes are not asked for. CMA-ES (Hansen
and Ostermeier, "Completely Derandomized Self-Adaptation in Evolution Strategies", Evolutionary Computation 9(2), 2001)
proposes them. A candidate follows from the seed, the scene and the photos alone, and each of its images is kept by its key,
so a job that was stopped goes on where it stood.
"""

import hashlib
import json
import math
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..inference.encoder import Encoder
from ..inference.errors import InputError
from ..inference.files import evenly, replacing
from ..inference.likeness import COLOUR_DIRECTIONS, Likeness, Seen, distance, quantiles, turn_toward
from ..inference.pictures import contact_sheet
from ..inference.preprocessing import Preprocessing
from ..inference.progress import Progress
from . import recipe, stills, workers
from .check import shines
from .crashes import Crashes
from .folder_lock import locked
from .look import Knob
from .look_controls import camera_controls, find_controls
from .planned_image import PlannedImage
from .poses import Array
from .rendered_objects import rendered_lights
from .sampling import sample_poses
from .settings import Settings

CANDIDATES = 36
"""Looks that are tried by default, besides those of the camera."""
CAMERA_CANDIDATES = 14
IMAGES = 10
"""Images of a candidate, if the classes have so many; each has as many as every other. Each has a pose of its own, as a few
poses that all classes share would say little of where parts lie in the photos."""
LAST = 2
"""Times as many images for the last comparison, which decides what is taken."""
MOST_CLASSES = 8
"""Classes that a candidate shows, evenly picked: a look is that of the station and not of a class."""
WORTH = 0.15
"""Gain in likeness below which the scene stays as it is: where references and photos are nearly as like as they can be, more
likeness does not mean a higher F1 (benchmarks/ACCURACY.md)."""
COLOUR_WORTH = 0.05
"""Fall in the distance of colours from which a scene is changed for less: an encoder sees little of colours that are plainly
wrong. Scenes of benchmarks/cases, which fit, are hardly farther than that from their photos."""
SAMPLES = 1
"""EEVEE's samples of a candidate's image; more would change all candidates alike."""
COLOUR = ("brightness", "red", "blue")
COLOUR_GENERATIONS = 60
"""Generations of colours, which need no rendering."""
COLOUR_STEP = 0.3
"""How far the search moves a colour at first, in parts of the step of other knobs: colours are nearly known when it starts."""
TURNS = 4
"""Directions of the lamps, all around, that are compared before the search, which cannot turn them far."""
DARKER = 3
"""How often, at most, all lights are weakened before colours are found: what is white in a picture has no colour."""
WHITE, WHITE_SHARE = 0.98, 0.02
"""The level from which a cell of a picture is white, and the share of such cells that is too many."""
PRICE = 0.002
"""What the square of a knob's distance from the start costs, so that nothing is turned that does little."""
COLOUR_PRICE = PRICE / 30
"""The same where colours alone are found: a part that covers little of the pictures has its colour, too."""
STEP = 0.7
"""How far the first candidates are from the scene as it is, in values of the knobs."""
UNLIKE = 1.65
"""Sum of the mean cosines below which photos show something else. With the stand-in, stations reach 1.73 to 1.88 where the look
fits, photos of other things 1.7 at most, so those of things of the same size, colour and table may pass."""
DIRECTION = Knob("Lamps", "direction")
MOST_EXAMPLES = 6
EMBEDDING = 0.06
"""Seconds that comparing an image takes, about, when it is said beforehand how long all will take."""
STAGE = "Matching the look"

Values = tuple[float, ...]
Rendering = Generator[PlannedImage, None, Values]
"""Yields each image that is rendered, and returns the values that were found."""


@dataclass(frozen=True)
class Match:
    """The look and the camera that were found.

    Attributes:
        knobs: the knobs of the scene, then those of its camera.
        values: how far each is turned.
        before: likeness of the scene as it was, on poses that the search did not see.
        after: the same of the scene as found.
        locked: sentences about what could not be turned.
        examples: for each class, an image before and one after.
    """

    knobs: tuple[Knob, ...]
    values: Values
    before: Likeness
    after: Likeness
    locked: list[str]
    examples: list[tuple[Path, Path]]


@dataclass(frozen=True)
class Candidate:
    """A look, the camera, and the images that show them."""

    look: Values
    camera: Values
    images: list[PlannedImage]


def match(
    scene: bpy.types.Scene,
    settings: Settings,
    folder: Path,
    photos: Seen,
    encoder: Encoder,
    progress: Progress,
    *,
    candidates: int = CANDIDATES,
    jobs: int | None = None,
) -> Match:
    """Find the look that makes references most like photos.

    Args:
        scene: the scene, whose nodes get what the knobs need; it looks as before afterwards.
        settings: what the classes show and where the camera may stand; its seed makes the result repeatable.
        folder: for the candidates' images.
        photos: the photos.
        encoder: what sees the images, as it saw the photos.
        progress: is told what is done.
        candidates: about how many looks are tried.
        jobs: processes that render; None: as many as pay.

    Raises:
        InputError: nothing in the scene can be turned, Blender crashed on an image again and again, or the folder cannot
            be written.
    """
    with locked(folder):
        matcher = _Matcher(scene, settings, folder, photos, encoder, jobs)
        if not matcher.controls.controls:
            raise InputError(*matcher.controls.locked, "Nothing in the scene can be changed to match the photos.")
        recipe.write(folder, scene, matcher.settings, matcher.as_it_is)
        images = matcher.run(candidates, progress)
        with closing(progress.track(images, matcher.planned_images(candidates), STAGE)) as tracked:
            for _ in tracked:
                pass
        assert matcher.found is not None
        return matcher.found


def refuse_dark(scene: bpy.types.Scene) -> list[str]:
    """A warning where there is no lamp to turn; raises InputError where nothing lights the scene."""
    if rendered_lights(scene):
        return []
    if not shines(scene.world):
        raise InputError(
            "The scene has neither a lamp nor a bright background. Press Basic Lighting, then match again."
        )
    return ["The scene has no lamp, so only the background and the materials are matched. Add one with Basic Lighting."]


def unlike(found: Likeness) -> list[str]:
    """A warning where photos are unlike even the best references."""
    sentence = (
        f"Nothing fits: the photos are unlike even the best references (similarity {found.cosines:.2f} of 2). Make sure that "
        "they show these parts as the camera sees them."
    )
    return [sentence] if found.cosines < UNLIKE else []


def worth_taking(before: Likeness, after: Likeness) -> bool:
    """Whether a look is so much more like the photos that the scene is changed for it."""
    gain = after.total - before.total
    return gain >= WORTH or (gain > 0 and before.colours - after.colours >= COLOUR_WORTH)


def write_comparison(path: Path, photos: Sequence[Path], preprocessing: Preprocessing, found: Match) -> Path:
    """Write a picture of some photos, and references before and after; returns its path."""
    before, after = zip(*found.examples[:MOST_EXAMPLES], strict=True)
    sheet = contact_sheet({
        "Photos": [preprocessing.picture(photo) for photo in evenly(photos, MOST_EXAMPLES)],
        "References before": [preprocessing.of_references.picture(image) for image in before],
        "References after": [preprocessing.of_references.picture(image) for image in after],
    })  # fmt: skip
    with replacing(path) as temporary:
        sheet.save(temporary, "PNG")
    return path


class _Matcher:
    """Renders candidates of a scene's look, compares them with the photos, and searches."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        settings: Settings,
        folder: Path,
        photos: Seen,
        encoder: Encoder,
        jobs: int | None,
    ) -> None:
        self.scene, self.folder, self.photos, self.encoder, self.jobs = scene, folder, photos, encoder, jobs
        labels = settings.selected[:: -(-len(settings.selected) // MOST_CLASSES)]
        still = replace(settings.jitter, light_angle=0.0, light_strength=0.0, background=0.0, material=0.0)
        each = min(-(-IMAGES // len(labels)), settings.images_per_class)
        self.settings = replace(settings, jitter=still, selected=labels, images_per_class=each, samples=SAMPLES)
        self.controls, self.camera = find_controls(scene, settings), camera_controls(scene, settings)
        self.as_it_is = recipe.plan(scene, self.settings)
        self.planned = {False: self.as_it_is}
        self.poses: dict[tuple[bool, Values], tuple[Values, list[Array]]] = {}
        self.last = min(LAST * each, settings.images_per_class)
        self.crashes = Crashes(folder)
        self.tried = 0
        self.found: Match | None = None

    def planned_images(self, candidates: int) -> int:
        """How many images :meth:`run` renders or finds at most."""
        each, last = (times * len(self.settings.selected) for times in (self.settings.images_per_class, self.last))
        looks = _generations(len(self.controls.controls), candidates)
        cameras = _generations(len(self.camera.controls), CAMERA_CANDIDATES) if self.camera.controls else (0, 0)
        colours = sum(knob.quantity == "brightness" for knob in self.controls.knobs)
        turns = TURNS if DIRECTION in self.controls.knobs else 0
        return each * (math.prod(looks) + math.prod(cameras) + 1 + DARKER + turns + colours) + 3 * last

    def run(self, candidates: int, progress: Progress) -> Iterator[PlannedImage]:
        """Search the look, then the camera, and compare both with the scene as it was; yields each image."""
        unturned, straight = (0.0,) * len(self.controls.controls), (0.0,) * len(self.camera.controls)
        first = self._plan(unturned, straight)
        yield from self._time(first, candidates, progress)
        exposed = yield from self._start_from_exposure(first)
        coloured = yield from self._start_from_colours(exposed)
        start = yield from self._start_from_direction(coloured, straight)
        steps = tuple(COLOUR_STEP if knob.quantity in COLOUR else 1.0 for knob in self.controls.knobs)
        look = yield from self._search(start, steps, candidates, lambda values: (values, straight))
        camera = straight
        if straight:
            steps = (1.0,) * len(straight)
            camera = yield from self._search(straight, steps, CAMERA_CANDIDATES, lambda values: (look, values))
        choice = ((unturned, straight), (look, straight), (look, camera))
        final = [self._plan(*values, last=True) for values in choice]
        yield from self._render(final)
        likeness = self._compare(final)
        best = max(range(3), key=lambda number: likeness[number].total)
        if not worth_taking(likeness[0], likeness[best]):
            best = 0
        self.found = Match(
            knobs=(*self.controls.knobs, *self.camera.knobs),
            values=(*final[best].look, *final[best].camera),
            before=likeness[0],
            after=likeness[best],
            locked=[*self.controls.locked, *self.camera.locked],
            examples=[
                (self.folder / before.path, self.folder / after.path)
                for before, after in zip(final[0].images, final[best].images, strict=True)
                if before.index == 0
            ],
        )

    def _time(self, candidate: Candidate, candidates: int, progress: Progress) -> Iterator[PlannedImage]:
        """Render a candidate and say how long all will take; nothing is said where it is there already."""
        missing = stills.missing_images(candidate.images, self.settings, self.folder)
        started = 0.0
        for image in self._render([candidate]):
            started = started or time.monotonic()  # the first image waits for the shaders
            yield image
        if len(missing) == len(candidate.images) > 1:
            each = (time.monotonic() - started) / (len(missing) - 1)
            images = self.planned_images(candidates)
            processes = max(1, workers.count(images, self.jobs, isolate=False))
            # Processes share cores, as a software renderer uses several, or else the graphics card.
            minutes = max(1, round(images * (each / math.sqrt(processes) + EMBEDDING) / 60))
            progress.say(f"{images} images to render and compare: this takes about {minutes} min.")

    def _start_from_exposure(self, candidate: Candidate) -> Generator[PlannedImage, None, Candidate]:
        """A candidate with all lights weaker, if too much of it is white and not of the photos."""
        strengths = [knob.quantity == "strength" for knob in self.controls.knobs]
        (seen,) = self._see([candidate])
        for step in range(1, DARKER + 1):
            if not any(strengths) or _white(seen) <= max(WHITE_SHARE, 2 * _white(self.photos)):
                break
            look = tuple(-float(step) if light else 0.0 for light in strengths)
            candidate = self._plan(look, candidate.camera)
            yield from self._render([candidate])
            (seen,) = self._see([candidate])
        return candidate

    def _start_from_colours(self, first: Candidate) -> Rendering:
        """The colours of materials and backdrop that suit the photos best, with the other knobs as they are in the ``first``
        candidate: where to search from.

        Each colour's part in the pictures is the difference that darkening it makes, and it grows with the colour. So all
        colours can be tried at once without rendering, as the search itself, with some twenty knobs, cannot.
        """
        knobs = self.controls.knobs
        subjects = list(dict.fromkeys(knob.subject for knob in knobs if knob.quantity == "brightness"))
        if not subjects:
            return first.look
        places = [knobs.index(Knob(subject, quantity)) for subject in subjects for quantity in COLOUR]
        darker = [
            tuple(-1.0 if knob == Knob(subject, "brightness") else v for knob, v in zip(knobs, first.look, strict=True))
            for subject in subjects
        ]
        tried = [self._plan(values, first.camera) for values in darker]
        yield from self._render(tried)
        as_it_is, *darkened = (_linear(seen.colours) for seen in self._see([first, *tried]))
        parts = [(as_it_is - colours) / (1 - Knob("", "brightness").effect(-1.0)) for colours in darkened]

        def cost(values: Sequence[float]) -> float:
            shown = as_it_is.copy()
            for number, part in enumerate(parts):
                whole, red, blue = (
                    Knob("", quantity).effect(value)
                    for quantity, value in zip(COLOUR, values[3 * number : 3 * number + 3], strict=True)
                )
                shown += part * (np.array([whole * red, whole, whole * blue], np.float32) - 1)
            apart = distance(self.photos.colour_quantiles, quantiles(_levels(shown[:, ::2]), COLOUR_DIRECTIONS))
            return apart + COLOUR_PRICE * sum(value * value for value in values)

        size = 2 * _generations(len(places), COLOUR_GENERATIONS)[1]
        strategy = _strategy((0.0,) * len(places), (1.0,) * len(places), self.settings.jitter.seed, size)
        for _ in range(COLOUR_GENERATIONS):
            asked = strategy.ask()
            strategy.tell(asked, [cost(values) for values in asked])
        found = dict(zip(places, _rounded(strategy.result.xfavorite), strict=True))
        return tuple(found.get(place, value) for place, value in enumerate(first.look))

    def _start_from_direction(self, look: Values, camera: Values) -> Rendering:
        """A look with its lamps turned to the side from where light comes in the photos, which the encoder hardly minds."""
        if DIRECTION not in self.controls.knobs:
            return look

        def turned(angle: float) -> Values:
            (value,) = _rounded([angle / DIRECTION.effect(1.0)])
            knobs = zip(self.controls.knobs, look, strict=True)
            return tuple(value if knob == DIRECTION else own for knob, own in knobs)

        tried = [self._plan(turned(2 * math.pi * step / TURNS), camera) for step in range(TURNS)]
        yield from self._render(tried)
        return turned(turn_toward(self.photos, self._see(tried)))

    def _search(self, start: Values, steps: Values, candidates: int, with_rest: Any) -> Rendering:
        """Try about so many candidates of the values of some knobs, from a start, by ``steps`` in parts of :data:`STEP`;
        ``with_rest`` makes a look and a camera of them."""
        generations, size = _generations(len(start), candidates)
        strategy = _strategy(start, steps, self.settings.jitter.seed, size)
        for _ in range(generations):
            asked = [_rounded(values) for values in strategy.ask()]
            tried = [self._plan(*with_rest(values)) for values in asked]
            yield from self._render(tried)
            likeness = self._compare(tried)
            costs = [
                PRICE * sum((v - s) ** 2 for v, s in zip(values, start, strict=True)) - own.total
                for values, own in zip(asked, likeness, strict=True)
            ]
            strategy.tell(asked, costs)
        return _rounded(strategy.result.xfavorite)

    def _plan(self, look: Values, camera: Values, *, last: bool = False) -> Candidate:
        """A candidate of the search, or of the last comparison. That has more images, and other poses, so that the choice is
        not made by what the search has seen."""
        jitter = self.settings.jitter
        settings = replace(self.settings, jitter=replace(jitter, seed=jitter.seed + last))
        if last not in self.planned:
            self.planned[last] = recipe.plan(self.scene, replace(settings, images_per_class=self.last))
        images = self.planned[last]
        if (last, camera) not in self.poses:
            self.poses[last, camera] = self._in_frame(camera, replace(settings, images_per_class=len(images)))
        camera, poses = self.poses[last, camera]
        self.tried += 1
        pairs = zip(images, poses, strict=True)
        return Candidate(look, camera, [self._varied(image, look, pose) for image, pose in pairs])

    def _in_frame(self, camera: Values, settings: Settings) -> tuple[Values, list[Array]]:
        """A camera and poses about it; one from which the region is not in frame is turned half as far, again and again."""
        while True:
            self.camera.turn(camera)
            try:
                return camera, sample_poses(self.scene, settings)
            except InputError:
                if not any(camera):
                    raise
            finally:
                self.camera.turn([0.0] * len(camera))
            camera = _rounded([value / 2 for value in camera])

    def _varied(self, image: PlannedImage, look: Values, pose: Array) -> PlannedImage:
        key = hashlib.sha256(json.dumps([image.key, look, pose.tolist()]).encode()).hexdigest()
        path = f"{image.label}/{self.tried:04d}_{image.index:02d}.png"
        return replace(image, path=path, pose=pose, look=look, key=key)

    def _render(self, candidates: Sequence[Candidate]) -> Iterator[PlannedImage]:
        """Render the images that are not there yet; yields each of all."""
        images = [image for candidate in candidates for image in candidate.images]
        missing = stills.missing_images(images, self.settings, self.folder)
        yield from (image for image in images if image not in missing)
        with self._nothing_varying():
            yield from stills.render_missing(self.scene, self.settings, self.folder, missing, self.crashes, self.jobs)
        stills.refuse_lost([image for image in missing if self.crashes.given_up(image)])

    @contextmanager
    def _nothing_varying(self) -> Iterator[None]:
        """Let only the pose vary, in the workers' copies of the scene as well."""
        jitter = self.scene.simsearch.jitter
        before = {name: getattr(jitter, name) for name in ("light_angle", "light_strength", "background", "material")}
        try:
            for name in before:
                setattr(jitter, name, 0.0)
            yield
        finally:
            for name, value in before.items():
                setattr(jitter, name, value)

    def _see(self, candidates: Sequence[Candidate]) -> list[Seen]:
        """The rendered images of each candidate."""
        paths = [self.folder / image.path for candidate in candidates for image in candidate.images]
        return Seen.through(self.encoder, Preprocessing(), paths).split(len(candidates))

    def _compare(self, candidates: Sequence[Candidate]) -> list[Likeness]:
        """How like the photos rendered candidates are."""
        return [Likeness.of(self.photos, references) for references in self._see(candidates)]


def _white(seen: Seen) -> float:
    """The share of cells that are white."""
    return float((seen.colours.min(axis=2) > WHITE).mean())


def _linear(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """SRGB levels 0 to 1 as linear light (IEC 61966-2-1)."""
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _levels(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light as sRGB levels, which end at 0 and 1."""
    light = linear.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def _generations(knobs: int, candidates: int) -> tuple[int, int]:
    """How many generations of how many candidates: the usual size of a population for a number of knobs."""
    size = min(4 + int(3 * math.log(knobs)), max(candidates, 4))
    return max(1, round(candidates / size)), size


def _strategy(start: Values, steps: Values, seed: int, size: int) -> Any:
    """CMA-ES from a start, by ``steps`` in parts of :data:`STEP`, with generations of a size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses matplotlib, which is not needed
        import cma
    # Its seed 0 stands for the clock.
    options = {"seed": seed + 1, "popsize": size, "verbose": -9, "CMA_diagonal": True, "CMA_stds": list(steps)}
    return cma.CMAEvolutionStrategy(list(start), STEP, options)


def _rounded(values: Sequence[float]) -> Values:
    """Values that are the same on every machine, and in the files that state them."""
    return tuple(round(float(value), 4) for value in values)
