# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the whole job is, beside what one would use instead: `make bench-speed`.

    python benchmarks/speed.py [--only encoder,photos,neighbours,references,job,growth] [--peers PYTHON]

The others run in an environment of their own, which this makes in build/peers from requirements/benchmark.in, with the
Python that SIMSEARCH_PEERS_PYTHON names, else this one. Everything that is compared runs in processes of its own, takes
turns (A B A B …), and is given as a median. Figures go to build/speed.json, which keeps those of parts that are not run
now, and the tables of benchmarks/SPEED.md are written from that file.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.utils
from PIL import Image

from synthetic_similarity_search.benchmarks import choices
from synthetic_similarity_search.inference.encoder import Encoder, find_encoder
from synthetic_similarity_search.inference.files import replacing
from synthetic_similarity_search.inference.preprocessing import Preprocessing

ROOT = Path(__file__).resolve().parents[1]

WORKERS = ROOT / "benchmarks" / "speed_workers.py"
BUILD = ROOT / "build" / "speed"
RESULTS = ROOT / "build" / "speed.json"
PAGE = ROOT / "benchmarks" / "SPEED.md"
TABLES = "<!-- Everything below is written by benchmarks/speed.py. -->"
PEERS = ROOT / "build" / "peers"
SOURCE = ROOT / "models" / "sources" / "vit_s_focus.onnx"
TOKENS = "/backbone/layernorm/Add_1_output_0"
GFLOP_PER_IMAGE = 12.25
PLAIN_RENDERS = 3
REFERENCES = 48
OTHER_RENDERS = ("1 samples", "16 samples", "64 samples", "without shadows", "light probe four times as fine")
"""Other ways to render, of those whose F1 benchmarks/accuracy.py measures."""
SIZES = {48: "48", 10_000: "10k", 1_000_000: "1m"}
"""Numbers of references among which neighbours are looked for, and what they are called."""

CLASSES, IMAGES, PHOTOS = (2, 8, 64), (6, 24, 96), (10, 100, 1000, 10_000)
"""How many of each, to see how cost grows."""

CALM = 0.3
"""Seconds before each measurement: the threads of the others' pools hold on to their cores for a while."""


Task = tuple[str, dict[str, Any]]
"""A worker of benchmarks/speed_workers.py and its arguments."""


class Worker:
    """A process that does one task whenever it is asked to."""

    def __init__(self, python: str, task: Task) -> None:
        command = [python, str(WORKERS), task[0], json.dumps(task[1])]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdin and self.process.stdout
        self.asks, self.answers = self.process.stdin, self.process.stdout

    def ready(self) -> str | None:
        """Wait until the task is prepared; why it cannot be, or None."""
        if self.answers.readline().strip() == "ready":
            return None
        return (self.process.communicate()[1].strip().splitlines() or ["it ended without a word"])[-1]

    def seconds(self, times: int) -> float:
        """Do it some times in a row; the median."""
        time.sleep(CALM)
        print(times, file=self.asks, flush=True)
        return float(self.answers.readline())

    def megabytes(self) -> float:
        """End it; its peak memory."""
        self.asks.close()
        peak = float(self.answers.read())
        self.process.wait()
        return peak


def peers_python() -> str:
    """The Python of the environment with what is compared, which is made where it is missing."""
    python, wanted = PEERS / "bin" / "python", ROOT / "requirements" / "benchmark.in"
    stamp = PEERS / "requirements"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        base = os.environ.get("SIMSEARCH_PEERS_PYTHON") or sys.executable
        subprocess.run([base, "-m", "venv", "--clear", str(PEERS)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
        subprocess.run(install, check=True)
        stamp.write_text(wanted.read_text())
    return str(python)


def compare(named: Mapping[str, tuple[str, Task]], rounds: int, times: int = 1) -> dict[str, Any]:
    """Median seconds and peak memory of each task, by its name, taken in turns of
    ``times`` in a row; why of those that cannot run."""
    workers, found = {}, {}
    for name, (python, task) in named.items():
        worker = Worker(python, task)
        if problem := worker.ready():
            found[name] = {"problem": problem}
            print(f"{name}: {problem}", file=sys.stderr)
        else:
            workers[name] = worker
    taken: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            taken[name].append(worker.seconds(times))
    for name, worker in workers.items():
        found[name] = {"seconds": statistics.median(taken[name]), "megabytes": round(worker.megabytes())}
        print(f"{name}: {found[name]['seconds'] * 1e3:.3f} ms", flush=True)
    return found


def ratio(found: Mapping[str, Any], ours: str, other: str) -> float | None:
    """The other's time over ours."""
    if "seconds" not in found.get(other, {}):
        return None
    return float(found[other]["seconds"] / found[ours]["seconds"])


def plain_export() -> Path | None:
    """The stand-in's backbone as PyTorch exported it, untouched."""
    if not SOURCE.is_file():
        return None
    path = BUILD / "plain.onnx"
    if not path.exists():
        model = onnx.load(SOURCE)
        model.graph.value_info.append(onnx.helper.make_tensor_value_info(TOKENS, onnx.TensorProto.FLOAT, None))
        part = onnx.utils.Extractor(model).extract_model([model.graph.input[0].name], [TOKENS])
        with replacing(path) as temporary:
            onnx.save(part, temporary)
    return path


def measure_encoder(peers: str) -> dict[str, Any]:
    """Pixels to vectors, one image and 24 at a time."""
    file, plain, found = str(find_encoder()), plain_export(), {}
    for batch in (1, 24):
        tasks: dict[str, tuple[str, Task]] = {
            f"ours fast, batch {batch}": (
                sys.executable,
                ("encoder_ours", {"file": file, "batch": batch, "precision": "FAST"}),
            ),
            f"ours fp32, batch {batch}": (
                sys.executable,
                ("encoder_ours", {"file": file, "batch": batch, "precision": "FP32"}),
            ),
            f"PyTorch eager, batch {batch}": (peers, ("encoder_torch", {"batch": batch, "compiled": False})),
            f"torch.compile, batch {batch}": (peers, ("encoder_torch", {"batch": batch, "compiled": True})),
        }
        if plain:
            tasks[f"plain onnxruntime, batch {batch}"] = (
                peers,
                ("encoder_onnxruntime", {"file": str(plain), "batch": batch}),
            )
            for precision in ("f32", "bf16"):
                arguments = {"file": str(plain), "batch": batch, "precision": precision}
                tasks[f"OpenVINO {precision}, batch {batch}"] = (peers, ("encoder_openvino", arguments))
        found |= compare(tasks, 15 if batch == 1 else 5)
    size = 2048
    product = compare({"sgemm": (sys.executable, ("sgemm", {"size": size}))}, 5)["sgemm"]["seconds"]
    found["sgemm limit, per image"] = {"seconds": GFLOP_PER_IMAGE * 1e9 * product / (2 * size**3), "megabytes": 0}
    ratios = {
        "encoder_fast_b1": ratio(found, "ours fast, batch 1", "PyTorch eager, batch 1"),
        "encoder_fast_b24": ratio(found, "ours fast, batch 24", "PyTorch eager, batch 24"),
        "encoder_fp32_b24": ratio(found, "ours fp32, batch 24", "plain onnxruntime, batch 24"),
    }
    return {"ratios": ratios, "medians": found}


def write_photo(path: Path, seed: int) -> None:
    """A 12-megapixel JPEG: noise whose amplitude falls with frequency as in photographs (Field, 1987), blurred as by a
    lens towards the finest, with the noise of a sensor."""
    generator, shape = np.random.default_rng(seed), (3000, 4000)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = 1
    falling = np.exp(-((frequency / 0.25) ** 2)) / frequency

    def plane() -> Any:
        made = np.fft.irfft2(np.fft.rfft2(generator.standard_normal(shape, dtype=np.float32)) * falling, s=shape)
        return made / made.std()

    light = plane()
    levels = [128 + 45 * (0.9 * light + 0.4 * plane()) + generator.normal(0, 1.5, shape) for _ in range(3)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        image = Image.fromarray(np.stack(levels, axis=-1).clip(0, 255).astype(np.uint8))
        image.save(temporary, "JPEG", quality=90)


def photo_files() -> list[Path]:
    """Five such files, made where they are missing."""
    photos = [BUILD / "photos" / f"{number}.jpg" for number in range(5)]
    # In a process of its own: what this one holds at most, Linux counts with those that it starts.
    with ProcessPoolExecutor(1, get_context("spawn")) as maker:
        for number, photo in enumerate(photos):
            if not photo.exists():
                maker.submit(write_photo, photo, number).result()
    return photos


def measure_photos(peers: str) -> dict[str, Any]:
    """JPEG files of 12 megapixels to verdicts: one and a hundred."""
    photos = photo_files()
    file, found = str(find_encoder()), {}
    for count, rounds, times in ((1, 5, 5), (100, 3, 1)):
        names = [str(photos[number % len(photos)]) for number in range(count)]
        tasks: dict[str, tuple[str, Task]] = {
            f"ours {precision.lower()}, {count} photos": (
                sys.executable,
                ("photos_ours", {"file": file, "photos": names, "precision": precision}),
            )
            for precision in ("FAST", "FP32")
        }
        tasks[f"straightforward, {count} photos"] = (peers, ("photos_straightforward", {"photos": names}))
        found |= compare(tasks, rounds, times)
    ratios = {
        "photo_to_verdict": ratio(found, "ours fast, 1 photos", "straightforward, 1 photos"),
        "hundred_photos": ratio(found, "ours fast, 100 photos", "straightforward, 100 photos"),
    }
    return {"ratios": ratios, "medians": found, "notes": {"photos": about_photos(photos)}}


def about_photos(photos: list[Path]) -> str:
    """How large the files are, and what decoding them at a fraction of their size changes."""
    encoder, preprocessing = Encoder(find_encoder()), Preprocessing()
    cosines = []
    for photo in photos:
        whole = preprocessing.tensor(Image.open(photo).convert("RGB"))
        one, other = encoder.embed(np.stack([preprocessing.read(photo), whole]))
        cosines.append(float(one @ other))
    size = statistics.mean(photo.stat().st_size for photo in photos) / 1e6
    return f"{len(photos)} files of {size:.1f} MB on average; cosine to full decoding {min(cosines):.5f} at the least."


def run(*command: str | Path) -> dict[str, float]:
    """Run a script of ours, which must succeed: its seconds, and the peak memory in MB of it or any of its own."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} ended with status {process.returncode}")
    found = {"seconds": time.monotonic() - started, "megabytes": round(usage.ru_maxrss / 1024)}
    print(f"{' '.join(map(str, command))[:80]}: {found['seconds']:.2f} s", flush=True)
    return found


def classify(database: Path, photos: list[Path]) -> dict[str, float]:
    """Seconds and peak memory of the command that classifies photos."""
    return run("-m", "inference", "classify", "--database", database, *photos)


def measure_neighbours(peers: str) -> dict[str, Any]:
    """Vectors to their five nearest references, one and a hundred at a time."""
    found: dict[str, Any] = {}
    for references, name in SIZES.items():
        for queries in (1, 100):
            arguments = {"references": references, "queries": queries}
            tasks: dict[str, tuple[str, Task]] = {
                f"ours, {queries} in {name}": (sys.executable, ("neighbours_ours", arguments)),
                f"faiss, {queries} in {name}": (peers, ("neighbours_faiss", arguments)),
            }
            if references < 1_000_000:
                tasks[f"scikit-learn, {queries} in {name}"] = (peers, ("neighbours_sklearn", arguments))
            found |= compare(tasks, 5, 1 if references == 1_000_000 else 50)
    ratios = {f"knn_{name}": ratio(found, f"ours, 1 in {name}", f"faiss, 1 in {name}") for name in SIZES.values()}
    million = BUILD / "million.safetensors"
    if not million.exists():
        run(WORKERS, "write_database", json.dumps({"file": str(million), "references": 1_000_000}))
    found |= compare(
        {"ours, 1 in 1m, the whole database": (sys.executable, ("database_ours", {"file": str(million)}))}, 5
    )
    return {"ratios": ratios, "medians": found, "growth": growth("references searched", found, "ours, 1 in {}", SIZES)}


def make_scene(path: Path, script: str, *arguments: str) -> dict[str, float]:
    """Make a scene by a script of benchmarks/cases."""
    return run(ROOT / "benchmarks" / "cases" / script, *arguments, path)


def render(scene: Path, output: Path, images: int) -> dict[str, float]:
    """Seconds and peak memory of rendering this many images a class by `render`."""
    command = ("batch.py", "--scene", scene, "render", "--fresh", "--output", output)
    return run(*command, "--images-per-class", str(images))


def measure_references(_peers: str) -> dict[str, Any]:
    """24 references of each of two classes by `render`, also with other samples and light; beside them stills by hand at
    Blender's defaults and with BlenderProc's settings."""
    scene, found = BUILD / "screw.blend", {}
    make_scene(scene, "screw.py")
    found[f"ours, {REFERENCES} references"] = render(scene, BUILD / "references", REFERENCES // 2)
    for way in OTHER_RENDERS:
        changed = BUILD / "changed.blend"
        run(ROOT / "benchmarks" / "cases" / "changed.py", scene, changed, choices.RENDERED[way])
        found[f"ours, {way}"] = render(changed, BUILD / "references", REFERENCES // 2)
    stills: dict[str, tuple[str, Task]] = {
        name: (
            sys.executable,
            ("render_plainly", {"scene": str(scene), "output": str(BUILD / "plain.png"), "how": how}),
        )
        for name, how in (("plain", "defaults"), ("BlenderProc", "blenderproc"))
    }
    for name, task in stills.items():
        found |= compare({f"one {name} still": task}, PLAIN_RENDERS)
        loop = REFERENCES * found[f"one {name} still"]["seconds"]
        found[f"{name} loop, {REFERENCES} references (from {PLAIN_RENDERS})"] = {"seconds": loop}
    ours = found[f"ours, {REFERENCES} references"]["seconds"]
    ratios = {
        f"references{suffix}": REFERENCES * found[f"one {name} still"]["seconds"] / ours
        for name, suffix in (("plain", ""), ("BlenderProc", "_blenderproc"))
    }
    return {"ratios": ratios, "medians": found}


def measure_job(peers: str) -> dict[str, Any]:
    """The demo's whole job: CAD files to 72 references of three classes to a database to verdicts on 100 photos of 12
    megapixels, each step in a process of its own; beside it the sum of what the same takes by hand."""
    scene, output = BUILD / "job" / "scene.blend", BUILD / "job"
    photos = photo_files() * 20
    found = {
        "CAD to scene": make_scene(scene, "t_joint.py"),
        "scene to database": run("batch.py", "--scene", scene, "build", "--fresh", "--output", output),
        "photos to verdicts": classify(output / "references.safetensors", photos),
    }
    whole = sum(step["seconds"] for step in found.values())
    plain: Task = ("render_plainly", {"scene": str(scene), "output": str(BUILD / "plain.png"), "how": "defaults"})
    found |= compare({"one plain still": (sys.executable, plain)}, PLAIN_RENDERS)
    images = [*map(str, photos), *map(str, output.glob("references/*/*.png"))]
    straightforward: Task = ("photos_straightforward", {"photos": images})
    found |= compare({"straightforward, photos and references": (peers, straightforward)}, 1)
    rendering = (len(images) - len(photos)) * found["one plain still"]["seconds"]
    others = ("CAD to scene", "straightforward, photos and references")
    by_hand = rendering + sum(found[name]["seconds"] for name in others)
    found |= {"whole job": {"seconds": whole}, "whole job by hand, the sum of its parts": {"seconds": by_hand}}
    return {"ratios": {"whole_job": by_hand / whole}, "medians": found}


def measure_growth(_peers: str) -> dict[str, Any]:
    """How seconds grow with classes of two images, images of two classes, and photos."""
    scene, output, found = BUILD / "many_classes.blend", BUILD / "many_classes", {}
    for count in CLASSES:
        make_scene(scene, "many_classes.py", str(count))
        found[f"{count} classes"] = render(scene, output, 2)
    make_scene(scene, "many_classes.py", "2")
    for count in IMAGES:
        found[f"{count} images"] = render(scene, output, count)
    run("batch.py", "--scene", scene, "build", "--output", output, "--images-per-class", str(IMAGES[-1]))
    for count in PHOTOS:
        photos = photo_files() * (count // 5)
        found[f"{count} photos"] = classify(output / "references.safetensors", photos)
    grown = growth("classes rendered", found, "{} classes", {count: str(count) for count in CLASSES})
    grown |= growth("images rendered", found, "{} images", {count: str(count) for count in IMAGES})
    grown |= growth("photos classified", found, "{} photos", {count: str(count) for count in PHOTOS})
    return {"ratios": {}, "medians": found, "growth": grown}


def growth(what: str, found: Mapping[str, Any], name: str, sizes: Mapping[int, str]) -> dict[str, float]:
    """The exponent, between each size and the next, with which the seconds of ``name`` grow."""
    exponents = {}
    for (small, first), (large, second) in pairwise(sizes.items()):
        rise = found[name.format(second)]["seconds"] / found[name.format(first)]["seconds"]
        exponents[f"{what}, {first} to {second}"] = float(np.log(rise) / np.log(large / small))
    return exponents


PARTS = {
    "encoder": measure_encoder,
    "photos": measure_photos,
    "neighbours": measure_neighbours,
    "references": measure_references,
    "job": measure_job,
    "growth": measure_growth,
}


def page(results: dict[str, Any]) -> str:
    """The tables of SPEED.md."""
    machine = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    lines = [
        f"Machine: {machine}. Weights of the encoder: {results['weights']}.",
        "",
        "| ahead by | factor |",
        "|---|---|",
    ]
    lines += [f"| {name} | {'not measured' if x is None else f'{x:.2f}'} |" for name, x in results["ratios"].items()]
    for part, medians in results["medians"].items():
        lines += ["", f"## {part.capitalize()}", ""]
        if part in results["notes"]:
            lines += [results["notes"][part], ""]
        lines += ["| what | median, ms | peak memory, MB |", "|---|---|---|"]
        for name, figure in medians.items():
            if "problem" in figure:
                lines.append(f"| {name} | cannot run here: {figure['problem'].replace('|', '/')} | |")
            else:
                lines.append(f"| {name} | {figure['seconds'] * 1e3:.3f} | {figure.get('megabytes') or ''} |")
    lines += ["", "## How cost grows", "", "| with | exponent |", "|---|---|"]
    lines += [f"| {name} | {exponent:.2f} |" for name, exponent in results["growth"].items()]
    return "\n".join(lines) + "\n"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Speed beside what one would use instead.")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), help="parts to measure")
    parser.add_argument("--peers", help="Python that has the packages of requirements/benchmark.in")
    return parser.parse_args()


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ":")
    return {
        "processor": model.split(":")[1].strip() or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
    }


def earlier_results() -> dict[str, Any]:
    """The figures of earlier runs, which those of this run replace part by part."""
    results: dict[str, Any] = {"ratios": {}, "medians": {}, "growth": {}, "notes": {}}
    return results | (json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {})


def keep(results: dict[str, Any], part: str, measured: dict[str, Any]) -> None:
    """Put the figures of one part among all results, and store them."""
    results["medians"][part] = measured["medians"]
    for kind in ("ratios", "growth", "notes"):
        results[kind] |= measured.get(kind, {})
    with replacing(RESULTS) as temporary:
        temporary.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def write_page(results: dict[str, Any]) -> None:
    """Write the tables of SPEED.md below the text that stands there."""
    head = PAGE.read_text("utf-8").split(TABLES)[0]
    with replacing(PAGE) as temporary:
        temporary.write_text(f"{head}{TABLES}\n\n{page(results)}", "utf-8")


def main() -> None:
    """Measure the chosen parts, store the figures of each, and write the page."""
    args = parse_arguments()
    BUILD.mkdir(parents=True, exist_ok=True)
    results = earlier_results() | {"machine": machine(), "weights": Encoder(find_encoder()).weights}
    peers = args.peers or peers_python()
    for part in args.only:
        keep(results, part, PARTS[part](peers))
    write_page(results)


if __name__ == "__main__":
    main()
