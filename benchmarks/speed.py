# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the whole job is, beside what one would use instead: `make bench-speed`.

    python benchmarks/speed.py [--only encoder,photos,neighbours,references] [--peers PYTHON]

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
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.utils
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inference.encoder import Encoder, find_encoder  # noqa: E402
from inference.files import replacing  # noqa: E402

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
CALM = 0.3
"""Seconds before each measurement: the threads of the others' pools hold on to their cores for a while."""


Task = tuple[str, dict[str, Any]]
"""A worker of benchmarks/speed_workers.py and its arguments."""


class Worker:
    """A process that does one task whenever it is asked to."""

    def __init__(self, python: str, task: Task) -> None:
        command = [python, str(ROOT / "benchmarks" / "speed_workers.py"), task[0], json.dumps(task[1])]
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


def measure_photos(peers: str) -> dict[str, Any]:
    """JPEG files of 12 megapixels to verdicts: one, a hundred, and how that grows."""
    photos = [BUILD / "photos" / f"{number}.jpg" for number in range(5)]
    for number, photo in enumerate(photos):
        if not photo.exists():
            write_photo(photo, number)
    file, found = str(find_encoder()), {}
    for count, rounds in ((1, 15), (100, 3)):
        names = [str(photos[number % len(photos)]) for number in range(count)]
        tasks: dict[str, tuple[str, Task]] = {
            f"ours {precision.lower()}, {count} photos": (
                sys.executable,
                ("photos_ours", {"file": file, "photos": names, "precision": precision}),
            )
            for precision in ("FAST", "FP32")
        }
        tasks[f"straightforward, {count} photos"] = (peers, ("photos_straightforward", {"photos": names}))
        found |= compare(tasks, rounds)
    ten = {"file": file, "photos": [str(photo) for photo in photos * 2], "precision": "FAST"}
    found |= compare({"ours fast, 10 photos": (sys.executable, ("photos_ours", ten))}, 3)
    growth = np.log10(found["ours fast, 100 photos"]["seconds"] / found["ours fast, 10 photos"]["seconds"])
    ratios = {
        "photo_to_verdict": ratio(found, "ours fast, 1 photos", "straightforward, 1 photos"),
        "hundred_photos": ratio(found, "ours fast, 100 photos", "straightforward, 100 photos"),
    }
    size = round(statistics.mean(photo.stat().st_size for photo in photos) / 1e6, 1)
    return {"ratios": ratios, "medians": found, "growth": {"photos, 10 to 100": float(growth)}, "jpeg_megabytes": size}


def measure_neighbours(peers: str) -> dict[str, Any]:
    """Vectors to their five nearest references, one and a hundred at a time."""
    found: dict[str, Any] = {}
    sizes = {48: "48", 10_000: "10k", 1_000_000: "1m"}
    for references, name in sizes.items():
        for queries in (1, 100):
            arguments = {"references": references, "queries": queries}
            tasks: dict[str, tuple[str, Task]] = {
                f"ours, {queries} in {name}": (sys.executable, ("neighbours_ours", arguments)),
                f"faiss, {queries} in {name}": (peers, ("neighbours_faiss", arguments)),
            }
            if references < 1_000_000:
                tasks[f"scikit-learn, {queries} in {name}"] = (peers, ("neighbours_sklearn", arguments))
            found |= compare(tasks, 5, 1 if references == 1_000_000 else 50)
    ratios = {f"knn_{name}": ratio(found, f"ours, 1 in {name}", f"faiss, 1 in {name}") for name in sizes.values()}
    growth = np.log10(found["ours, 1 in 1m"]["seconds"] / found["ours, 1 in 10k"]["seconds"]) / 2
    return {"ratios": ratios, "medians": found, "growth": {"references, 10k to 1m": float(growth)}}


def measure_references(_peers: str) -> dict[str, Any]:
    """24 references of each of two classes by `render`, beside stills by hand at Blender's defaults."""
    scene = BUILD / "screw.blend"
    if not scene.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, ROOT / "benchmarks" / "cases" / "screw.py", scene], cwd=ROOT, check=True)
    output = BUILD / "references"
    seconds: dict[int, float] = {}
    for images in (REFERENCES, REFERENCES // 2):  # each variant of the scene needs one
        command = [sys.executable, "batch.py", "--scene", scene, "render", "--fresh", "--output", output]
        started = time.monotonic()
        subprocess.run([*command, "--images-per-class", str(images)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds[2 * images] = time.monotonic() - started
    plain: Task = ("render_plainly", {"scene": str(scene), "output": str(BUILD / "plain.png")})
    found = compare({"one plain still": (sys.executable, plain)}, PLAIN_RENDERS)
    found |= {f"ours, {count} references": {"seconds": taken} for count, taken in seconds.items()}
    loop = REFERENCES * found["one plain still"]["seconds"]
    found[f"plain loop, {REFERENCES} references (from {PLAIN_RENDERS})"] = {"seconds": loop}
    growth = np.log2(seconds[2 * REFERENCES] / seconds[REFERENCES])
    return {
        "ratios": {"references": loop / seconds[REFERENCES]},
        "medians": found,
        "growth": {"references rendered, 48 to 96": float(growth)},
    }


PARTS = {
    "encoder": measure_encoder,
    "photos": measure_photos,
    "neighbours": measure_neighbours,
    "references": measure_references,
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
        lines += ["", f"## {part.capitalize()}", "", "| what | median, ms | peak memory, MB |", "|---|---|---|"]
        for name, figure in medians.items():
            if "problem" in figure:
                lines.append(f"| {name} | cannot run here: {figure['problem'].replace('|', '/')} | |")
            else:
                lines.append(f"| {name} | {figure['seconds'] * 1e3:.3f} | {figure.get('megabytes') or ''} |")
    lines += ["", "## How cost grows", "", "| with | exponent |", "|---|---|"]
    lines += [f"| {name} | {exponent:.2f} |" for name, exponent in results["growth"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure the parts that are asked for and write the figures."""
    parser = argparse.ArgumentParser(description="Speed beside what one would use instead.")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), help="parts to measure")
    parser.add_argument("--peers", help="Python that has the packages of requirements/benchmark.in")
    args = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"ratios": {}, "medians": {}, "growth": {}}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text("utf-8"))
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ":")
    results["machine"] = {
        "processor": model.split(":")[1].strip() or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
    }
    results["weights"] = Encoder(find_encoder()).weights
    peers = args.peers or peers_python()
    for part in args.only:
        measured = PARTS[part](peers)
        results["ratios"] |= measured["ratios"]
        results["growth"] |= measured.get("growth", {})
        results["medians"][part] = measured["medians"]
        if "jpeg_megabytes" in measured:
            results["jpeg_megabytes"] = measured["jpeg_megabytes"]
        with replacing(RESULTS) as temporary:
            temporary.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    head = PAGE.read_text("utf-8").split(TABLES)[0]
    with replacing(PAGE) as temporary:
        temporary.write_text(f"{head}{TABLES}\n\n{page(results)}", "utf-8")


if __name__ == "__main__":
    main()
