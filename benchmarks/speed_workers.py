# SPDX-License-Identifier: GPL-3.0-or-later
"""What benchmarks/speed.py times, ours and others', each in a process of its own and in the Python that it needs.

    python benchmarks/speed_workers.py TASK JSON

prepares the task, then does it as often as each line that comes in says and answers with the median of the seconds it
took; at the end of the input, with its peak memory.
"""

import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
THREADS = os.cpu_count() or 1
Work = Callable[[], object]


def pixels(batch: int) -> Any:
    """A preprocessed batch, float32 [N, 3, 224, 224]."""
    return np.random.default_rng(0).standard_normal((batch, 3, 224, 224), dtype=np.float32)


def vectors(count: int, seed: int) -> Any:
    """Unit vectors as a database has them, float32 [count, 384]."""
    found = np.random.default_rng(seed).standard_normal((count, 384), dtype=np.float32)
    for part in np.array_split(found, -(-count // 10_000)):  # so that no second copy counts as memory of the search
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return found


def torch_model() -> Any:
    """The `Dinov2Model` of transformers with the shape of ViT-S/14 and random weights."""
    import torch
    from transformers import Dinov2Config, Dinov2Model

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    shape = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6, "image_size": 518, "patch_size": 14}
    return Dinov2Model(Dinov2Config(**shape)).eval()


# ---- the encoder: a batch of pixels to vectors ------------------------------------------------------------------


def encoder_ours(file: str, batch: int, precision: str) -> Work:
    """Our encoder on one batch."""
    from synthetic_similarity_search.inference.encoder import Encoder

    encoder, images = Encoder(Path(file), precision=precision, provider="CPU"), pixels(batch)
    return lambda: encoder.embed(images)


def encoder_torch(batch: int, compiled: bool) -> Work:
    """PyTorch in eager mode, or compiled, on one batch."""
    import torch

    model, images = torch_model(), torch.from_numpy(pixels(batch))
    if compiled:
        model = torch.compile(model)
    return lambda: model(images)


def encoder_onnxruntime(file: str, batch: int) -> Work:
    """Plain ONNX Runtime on one batch."""
    import onnxruntime

    session, images = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]), pixels(batch)
    return lambda: session.run(None, {session.get_inputs()[0].name: images})


def encoder_openvino(file: str, batch: int, precision: str) -> Work:
    """OpenVINO on one batch."""
    import openvino

    core = openvino.Core()
    model = core.read_model(file)
    model.reshape([batch, 3, 224, 224])
    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY"}
    compiled, images = core.compile_model(model, "CPU", hints), pixels(batch)
    return lambda: compiled(images)


def sgemm(size: int) -> Work:
    """NumPy's product of two square matrices."""
    matrix = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    return lambda: matrix @ matrix


# ---- photos: JPEG files to verdicts ------------------------------------------------------------------------------


def photos_ours(file: str, photos: list[str], precision: str) -> Work:
    """Files to verdicts with this repository."""
    from synthetic_similarity_search.inference.classifier import Classifier
    from synthetic_similarity_search.inference.database import ReferenceDatabase
    from synthetic_similarity_search.inference.encoder import Encoder
    from synthetic_similarity_search.inference.preprocessing import Preprocessing
    from synthetic_similarity_search.inference.progress import Progress

    encoder, references = Encoder(Path(file), precision=precision, provider="CPU"), vectors(48, 1)
    poses = np.tile(np.eye(4, dtype=np.float32), (48, 1, 1))
    names = tuple(f"{number}.png" for number in range(48))
    labels = np.arange(48, dtype=np.int64) % 2
    database = ReferenceDatabase(
        references, labels, poses, ("a", "b"), names, encoder.model, Preprocessing(), recipe={}
    )
    paths = [Path(photo) for photo in photos]
    classifier = Classifier.create(database, encoder, 5, Progress())
    return lambda: classifier.classify(paths, Progress())


def photos_straightforward(photos: list[str]) -> Work:
    """Files to verdicts as one would write it with PyTorch and scikit-learn."""
    import torch
    from PIL import Image
    from sklearn.neighbors import KNeighborsClassifier
    from torchvision import transforms

    model = torch_model()
    prepare = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC, antialias=True),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    classifier = KNeighborsClassifier(5, metric="cosine").fit(vectors(48, 1), np.arange(48) % 2)

    def classify() -> object:
        verdicts = []
        for start in range(0, len(photos), 24):
            images = [prepare(Image.open(photo).convert("RGB")) for photo in photos[start : start + 24]]
            found = model(torch.stack(images)).last_hidden_state[:, 0]
            verdicts.append(classifier.predict(torch.nn.functional.normalize(found).numpy()))
        return verdicts

    return classify


# ---- nearest neighbours: vectors to numbers of references --------------------------------------------------------


def neighbours_ours(references: int, queries: int) -> Work:
    """Our search for the nearest references."""
    from synthetic_similarity_search.inference import neighbours

    database, asked, lengths = vectors(references, 1), vectors(queries, 2), np.ones(references, np.float32)
    return lambda: neighbours.search(asked, database, lengths, 5)


def database_ours(file: str) -> Work:
    """From the opened database's vectors, whitened, to the neighbours' classes."""
    from synthetic_similarity_search.inference.database import ReferenceDatabase

    database, asked = ReferenceDatabase.load(Path(file)), vectors(1, 2)
    return lambda: database.nearest(asked, 5)


def write_database(file: str, references: int) -> Work:
    """Two classes of random vectors as a database file."""
    from synthetic_similarity_search.inference.database import ReferenceDatabase
    from synthetic_similarity_search.inference.encoder import Model
    from synthetic_similarity_search.inference.preprocessing import Preprocessing

    poses = np.tile(np.eye(4, dtype=np.float32), (references, 1, 1))
    names = tuple(f"{number}.png" for number in range(references))
    labels = np.arange(references, dtype=np.int64) % 2
    model = Model("random", "0" * 64, 384)
    database = ReferenceDatabase(vectors(references, 1), labels, poses, ("a", "b"), names, model, Preprocessing(), {})
    return lambda: database.save(Path(file))


def neighbours_faiss(references: int, queries: int) -> Work:
    """The same search with faiss' flat index."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index, asked = faiss.IndexFlatIP(384), vectors(queries, 2)
    index.add(vectors(references, 1))
    return lambda: index.search(asked, 5)


def neighbours_sklearn(references: int, queries: int) -> Work:
    """The same search with scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    index, asked = NearestNeighbors(n_neighbors=5, metric="cosine").fit(vectors(references, 1)), vectors(queries, 2)
    return lambda: index.kneighbors(asked)


# ---- renders -----------------------------------------------------------------------------------------------------


def render_plainly(scene: str, output: str, how: str) -> Work:
    """One still after the other by `bpy.ops.render.render`: EEVEE at Blender's "defaults", 64 samples, or Cycles as
    "blenderproc" sets it (BlenderProc 2.8.0, python/utility/DefaultConfig.py and Initializer.py)."""
    import bpy

    bpy.ops.wm.open_mainfile(filepath=scene)
    for variant in bpy.context.scene.collection.children[1:]:
        variant.hide_render = True  # one of them is to be seen, as in a reference
    render = bpy.context.scene.render
    render.engine = "BLENDER_EEVEE" if bpy.app.version >= (5, 0) else "BLENDER_EEVEE_NEXT"
    render.resolution_x = render.resolution_y = 224
    bpy.context.scene.eevee.taa_render_samples = 64
    if how == "blenderproc":
        render.engine, cycles = "CYCLES", bpy.context.scene.cycles
        cycles.samples, cycles.use_adaptive_sampling, cycles.adaptive_threshold = 1024, True, 0.01
        cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
        cycles.max_bounces = cycles.diffuse_bounces = 3
        cycles.glossy_bounces = cycles.transmission_bounces = cycles.volume_bounces = 0
    render.filepath = output
    return lambda: bpy.ops.render.render(write_still=True)


TASKS = {
    task.__name__: task
    for task in (
        encoder_ours,
        encoder_torch,
        encoder_onnxruntime,
        encoder_openvino,
        sgemm,
        photos_ours,
        photos_straightforward,
        neighbours_ours,
        database_ours,
        write_database,
        neighbours_faiss,
        neighbours_sklearn,
        render_plainly,
    )
}


def peak_megabytes() -> float:
    """What this process held at most, without what the one that started it did, which `getrusage` counts too."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))[1]) / 1024


def main() -> None:
    """Serve one task."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print where they like
    work = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    work()  # the first time is never the usual one
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
        print(statistics.median(times), file=answers, flush=True)
    print(peak_megabytes(), file=answers, flush=True)


if __name__ == "__main__":
    main()
