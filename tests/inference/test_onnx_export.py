# SPDX-License-Identifier: GPL-3.0-or-later
"""The exported file, run by ONNX Runtime alone, against ``classify``."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image, ImageCms

from synthetic_similarity_search.inference.classifier import Classifier
from synthetic_similarity_search.inference.colour_profiles import BT709, PRIMARIES, rgb_profile
from synthetic_similarity_search.inference.database import ReferenceDatabase
from synthetic_similarity_search.inference.embedding import embed_references
from synthetic_similarity_search.inference.encoder import Encoder, import_onnxruntime
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.inference.neighbours import search, vote
from synthetic_similarity_search.inference.onnx_export import OLDEST_RUNTIME, export_onnx
from synthetic_similarity_search.inference.preprocessing import Preprocessing, open_photo
from synthetic_similarity_search.inference.progress import Progress
from synthetic_similarity_search.inference.rejection import Rejection, fit_rejection
from synthetic_similarity_search.tests.other_packages import environment_with
from synthetic_similarity_search.tests.photo_writers import deep, netpbm, png, scaled, tiff
from synthetic_similarity_search.tests.tiny_encoder import COLOURS, real_encoder, write_pictures, write_tiny_encoder

K = 5
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("station")
    write_tiny_encoder(folder / "tiny.onnx")
    write_pictures(folder / "references", 8, seed=0)
    return folder


def build(references: Path, encoder: Encoder) -> ReferenceDatabase:
    return embed_references(
        references, encoder, Preprocessing(), Progress(), references.parent / "references.safetensors"
    )


def exported(
    database: ReferenceDatabase,
    encoder: Path,
    output: Path,
    flavour: str,
    k: int = K,
    rejection: Rejection | None = None,
) -> Any:
    export_onnx(database, encoder, output, flavour, k, rejection)
    onnx.checker.check_model(output, full_check=True)
    return import_onnxruntime().InferenceSession(output, providers=["CPUExecutionProvider"])


def pixels(path: Path) -> np.ndarray:
    return np.asarray(open_photo(path, Preprocessing().size))


def check_verdicts(database: ReferenceDatabase, encoder: Encoder, photos: list[Path], output: Path) -> None:
    """Both flavours give classify's verdicts on every photo."""
    verdicts = Classifier.create(database, encoder, K, Progress()).classify(photos, Progress()).verdicts
    image = exported(database, encoder.path, output / "image.onnx", "image")
    tensor = exported(database, encoder.path, output / "tensor.onnx", "tensor")
    for path, verdict in zip(photos, verdicts, strict=True):
        prepared = Preprocessing().tensor(open_photo(path, Preprocessing().size))[None]
        for session, feed, tolerance in (
            (tensor, {"pixels": prepared}, 1e-5),
            (image, {"images": pixels(path)[None]}, 1e-3),
        ):
            label, votes, similarities, neighbours = session.run(None, feed)
            assert database.classes[label[0]] == verdict.predicted, path
            assert dict(zip(database.classes, votes[0].tolist(), strict=True)) == verdict.votes, path
            expected = [near.similarity for near in verdict.neighbours]
            assert similarities[0] == pytest.approx(expected, abs=tolerance), path
        label, votes, similarities, neighbours = tensor.run(None, {"pixels": prepared})
        # Sorted, as two may be equal but for rounding; the similarities above are in their order.
        assert sorted(neighbours[0]) == sorted(near.row for near in verdict.neighbours)


@pytest.mark.parametrize("foreground", [False, True])
def test_verdicts_equal_classify(station: Path, tmp_path: Path, foreground: bool) -> None:
    encoder = Encoder(station / "tiny.onnx").with_foreground(foreground)
    photos = sorted(write_pictures(tmp_path / "photos", 6, seed=1).glob("*/*.png"))
    check_verdicts(build(station / "references", encoder), encoder, photos, tmp_path)


def test_unknown_photos_are_rejected_as_by_classify(station: Path, tmp_path: Path) -> None:
    encoder = Encoder(station / "tiny.onnx").with_foreground()
    database = build(station / "references", encoder)
    write_pictures(tmp_path / "photos", 3, seed=1)
    noise = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    for number, image in enumerate(noise):
        Image.fromarray(image).save(tmp_path / "photos" / f"noise{number}.png")
    photos = sorted((tmp_path / "photos").rglob("*.png"))
    rejection = fit_rejection(database, None, database.embeddings[:0])
    verdicts = Classifier.create(database, encoder, K, Progress(), rejection).classify(photos, Progress()).verdicts
    assert 4 <= sum(verdict.predicted == "unknown" for verdict in verdicts) < len(photos)
    session = exported(database, encoder.path, tmp_path / "image.onnx", "image", K, rejection)
    assert session.get_modelmeta().custom_metadata_map["simsearch.unknown"] == "unknown"
    names = (*database.classes, "unknown")
    for path, verdict in zip(photos, verdicts, strict=True):
        label, votes, _, _, familiarity = session.run(None, {"images": pixels(path)[None]})
        assert names[label[0]] == verdict.predicted and familiarity[0] == pytest.approx(verdict.familiarity, abs=1e-4)
        assert dict(zip(database.classes, votes[0].tolist(), strict=True)) == verdict.votes


@pytest.mark.parametrize("crop", [(0.25, 0.5, 0.5, 0.25), (0.001, 0.0, 0.3333, 0.999), (0.999, 0.999, 0.001, 0.001)])
def test_images_are_cropped_as_photos_are(
    station: Path, tmp_path: Path, crop: tuple[float, float, float, float]
) -> None:
    encoder = Encoder(station / "tiny.onnx")
    database = build(station / "references", encoder)
    database = replace(database, preprocessing=replace(database.preprocessing, crop=crop))
    session = exported(database, encoder.path, tmp_path / "image.onnx", "image")
    generator = np.random.default_rng(0)
    for shape in ((97, 131), (48, 64), (1, 7)):
        image = generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / "photo.png")
        found = Classifier.create(database, encoder, K, Progress()).classify([tmp_path / "photo.png"], Progress())
        (verdict,) = found.verdicts
        _, _, similarities, _ = session.run(None, {"images": image[None]})
        assert similarities[0] == pytest.approx([near.similarity for near in verdict.neighbours], abs=1e-3)


def test_verdicts_equal_classify_on_real_photos(tmp_path: Path) -> None:
    encoder = Encoder(real_encoder())
    folder = Path(os.environ.get("SIMSEARCH_PHOTOS") or ROOT.parent / "shared" / "photos") / "t_joint"
    if not folder.is_dir():
        pytest.skip(f"there are no real photos in {folder}; SIMSEARCH_PHOTOS names their folder")
    # Some photos serve as references here: the figures do not matter, only that both ways agree.
    for label in (path for path in folder.iterdir() if path.is_dir()):
        for number, photo in enumerate(sorted(label.iterdir())):
            place = tmp_path / ("references" if number < 4 else "photos") / label.name
            place.mkdir(parents=True, exist_ok=True)
            (place / photo.name).symlink_to(photo)
    photos = sorted((tmp_path / "photos").glob("*/*"))[::5]
    check_verdicts(build(tmp_path / "references", encoder), encoder, photos, tmp_path)


@pytest.mark.parametrize("shape", [(224, 224), (48, 64), (1, 1), (600, 801), (1080, 1920), (500, 100)])
def test_images_of_any_size_are_preprocessed_as_photos_are(
    station: Path, tmp_path: Path, shape: tuple[int, int]
) -> None:
    encoder = Encoder(station / "tiny.onnx")
    export_onnx(build(station / "references", encoder), encoder.path, tmp_path / "image.onnx", "image", K)
    model = onnx.load(tmp_path / "image.onnx")
    model.graph.output.append(onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["N", 3, 224, 224]))
    session = import_onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    ours = np.stack([Preprocessing().tensor(Image.fromarray(image)) for image in images])
    (theirs,) = session.run(["pixels"], {"images": images})
    levels = np.abs(ours - theirs) * np.array(Preprocessing().std)[:, None, None] * 255
    assert levels.max() < 1.01 and (levels > 0.5).mean() < 0.005  # halves are rounded either way


def test_ties_are_decided_as_by_vote(tmp_path: Path) -> None:
    """Random references of a coarse grid, so that many similarities, votes and sums are exactly equal."""
    identity = onnx.helper.make_graph(
        [onnx.helper.make_node("ReduceMean", ["pixels", "axes"], ["embedding"], keepdims=0)],
        "identity",
        [onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, ["N", 3, 224, 224])],
        [onnx.helper.make_tensor_value_info("embedding", onnx.TensorProto.FLOAT, ["N", 3])],
        [onnx.numpy_helper.from_array(np.array([2, 3]), "axes")],
    )
    opset = [onnx.helper.make_opsetid("", 20)]
    onnx.save(onnx.helper.make_model(identity, opset_imports=opset, ir_version=10), tmp_path / "identity.onnx")
    write_tiny_encoder(tmp_path / "tiny.onnx")
    write_pictures(tmp_path / "references", 4, seed=0)
    template = build(tmp_path / "references", Encoder(tmp_path / "tiny.onnx"))
    template = replace(template, model=replace(template.model, dim=3))
    generator = np.random.default_rng(0)
    axes = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    for _ in range(10):
        references = axes[generator.integers(0, 6, 12)]
        labels = generator.integers(0, 3, 12)
        database = replace(template, embeddings=references, labels=labels, whitened=False)
        session = exported(database, tmp_path / "identity.onnx", tmp_path / "out.onnx", "tensor", 6)
        queries = axes[generator.integers(0, 6, 20)]
        label, votes, similarities, neighbours = session.run(
            None, {"pixels": np.broadcast_to(queries[:, :, None, None], (20, 3, 224, 224))}
        )
        expected_similarities, expected = search(queries, references, np.ones((len(references), 1), np.float32), 6)
        predicted, expected_votes = vote(labels[expected], expected_similarities, len(COLOURS))
        assert (similarities == expected_similarities).all() and (neighbours == expected).all()
        assert (votes == expected_votes).all() and (label == predicted).all()


def test_the_file_says_what_it_is(station: Path, tmp_path: Path) -> None:
    encoder = Encoder(station / "tiny.onnx")
    database = build(station / "references", encoder)
    session = exported(database, encoder.path, tmp_path / "image.onnx", "image", 3)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["simsearch.classes"]) == list(database.classes)
    assert json.loads(metadata["simsearch.images"]) == list(database.images)
    assert metadata["simsearch.k"] == "3"
    assert metadata["simsearch.name"] == "tiny" and metadata["simsearch.encoder_sha256"] == encoder.model.sha256
    assert [(node.name, node.type) for node in session.get_inputs()] == [("images", "tensor(uint8)")]
    assert [node.name for node in session.get_outputs()] == ["label", "votes", "similarities", "neighbours"]
    export_onnx(database, encoder.path, tmp_path / "again.onnx", "image", 3)
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "image.onnx").read_bytes()


def test_weights_beside_the_encoder_are_refused(station: Path, tmp_path: Path) -> None:
    encoder = Encoder(station / "tiny.onnx")
    database = build(station / "references", encoder)
    model = onnx.load(station / "tiny.onnx")
    onnx.save(model, tmp_path / "large.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(InputError, match="too large for one ONNX file"):
        export_onnx(database, tmp_path / "large.onnx", tmp_path / "out.onnx", "image", K)
    assert not (tmp_path / "out.onnx").exists()


def run_example(folder: Path, photos: list[Path]) -> subprocess.CompletedProcess[str]:
    """The example, in a folder of its own; isolated, Python finds no package but the installed ones."""
    shutil.copy(ROOT / "examples" / "exported" / "classify.py", folder)
    return subprocess.run(
        [sys.executable, "-I", "classify.py", "station.onnx", *map(str, photos)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_example_gives_classify_s_verdicts_without_anything_of_ours(station: Path, tmp_path: Path) -> None:
    encoder = Encoder(station / "tiny.onnx")
    database = build(station / "references", encoder)
    photos = sorted(write_pictures(tmp_path / "photos", 4, seed=1).glob("*/*.png"))
    export_onnx(database, encoder.path, tmp_path / "station.onnx", "image", K)
    done = run_example(tmp_path, photos)
    verdicts = Classifier.create(database, encoder, K, Progress()).classify(photos, Progress()).verdicts
    expected = [{"path": str(v), "predicted": w.predicted, "votes": w.votes} for v, w in zip(photos, verdicts)]
    assert done.returncode == 0 and [json.loads(line) for line in done.stdout.splitlines()] == expected


def kinds(folder: Path) -> dict[str, Path]:
    """One and the same picture in files of many kinds, by what they are."""
    folder.mkdir()
    columns, rows = np.meshgrid(np.arange(64), np.arange(48))
    grey = (60 + columns + 80 * ((columns - 30) ** 2 + (rows - 20) ** 2 < 150)).astype(np.uint8)[:, :, None]
    colour = np.concatenate([grey, 255 - grey, np.roll(grey, 9, 1)], axis=2)
    alpha = np.concatenate([deep(colour), np.full_like(deep(grey), 65535)], axis=2)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    p3, linear, image = rgb_profile(PRIMARIES[12], None), rgb_profile(BT709, 1.0), Image.fromarray(colour)
    stored = {
        "grey 16.png": png(deep(grey)),
        "grey 12 in 16.png": png(scaled(grey, 4095)),
        "grey 16.tif": tiff(deep(grey), 1),
        "grey 12 in 16 MM.tif": tiff(scaled(grey, 4095).astype(np.uint16), 1, order=">"),
        "grey 12 stated.tif": tiff(scaled(grey, 4095).astype(np.uint16), 1, more={281: (3, 4095)}),
        "grey 12 packed.tif": tiff(scaled(grey, 4095), 1, bits=12),
        "grey 16 white is zero.tif": tiff(65535 - deep(grey), 0),
        "grey 8 white is zero.tif": tiff(255 - grey, 0),
        "signed 8.tif": tiff((grey.astype(np.int16) - 128).astype(np.int8), 1),
        "signed 16.tif": tiff((deep(grey) - 32768.0).astype(np.int16), 1),
        "float.tif": tiff((grey / 255).astype(np.float32), 1),
        "significant bits.png": png(scaled(grey // 4, 4095), chunks=((b"sBIT", b"\x0c"),)),
        "colour 16.tif": tiff(deep(colour), 2),
        "colour 12 in 16.png": png(scaled(colour, 4095)),
        "planar.tif": tiff(deep(colour), 2, planar=True),
        "alpha 16.png": png(alpha, "RGBA"),
        "transparent grey 16.png": png(deep(grey), chunks=((b"tRNS", b"\0\0"),)),
        "colour 12 in 16.ppm": netpbm("P6", scaled(colour, 4095), 65535),
        "linear gamma.png": png(colour, bits=8, chunks=((b"gAMA", (100000).to_bytes(4, "big")),)),
        "P3.png": png(colour, bits=8, chunks=((b"cICP", bytes([12, 13, 0, 1])),)),
    }
    for name, content in stored.items():
        (folder / name).write_bytes(content)
    image.save(folder / "plain.jpg")
    image.save(folder / "plain.bmp")
    image.save(folder / "plain.tif", compression="tiff_lzw")
    image.convert("CMYK").save(folder / "inks.jpg")
    image.quantize(60).save(folder / "palette.png")
    image.convert("1").save(folder / "bits.png")
    image.save(folder / "sRGB.jpg", icc_profile=srgb)
    image.save(folder / "P3.jpg", icc_profile=p3)
    image.save(folder / "linear.png", icc_profile=linear)
    Image.fromarray(grey[:, :, 0]).save(folder / "grey linear.png", icc_profile=linear)
    image.save(folder / "damaged profile.png", icc_profile=b"none")
    image.save(folder / "plain.avif")
    image.save(folder / "plain.jp2")
    image.save(folder / "plain.gif")
    image.convert("RGBA").save(folder / "opaque.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(folder / "turned.jpg", exif=exif)
    Image.fromarray(deep(grey)[:, :, 0]).save(folder / "turned 16.tif", tiffinfo={0x0112: 6})
    return {path.name: path for path in sorted(folder.iterdir())}


READ = {
    "grey 16.png", "grey 12 in 16.png", "grey 16.tif", "grey 12 in 16 MM.tif", "plain.jpg", "plain.bmp", "plain.tif",
    "inks.jpg", "palette.png", "bits.png", "sRGB.jpg", "P3.jpg", "linear.png", "grey linear.png", "turned.jpg", "turned 16.tif",
}  # fmt: skip
"""What the example has to read itself; the rest it may refuse."""


@pytest.mark.parametrize("white_level", [None, 4095])
def test_the_example_reads_photos_as_classify_does_or_refuses_them(
    station: Path, tmp_path: Path, white_level: int | None
) -> None:
    encoder = Encoder(station / "tiny.onnx")
    database = build(station / "references", encoder)
    database = replace(database, preprocessing=replace(database.preprocessing, white_level=white_level))
    output = tmp_path / "station.onnx"
    export_onnx(database, encoder.path, output, "image", K)
    read = set()
    for name, path in kinds(tmp_path / "kinds").items():
        (verdict,) = Classifier.create(database, encoder, K, Progress()).classify([path], Progress()).verdicts
        done = run_example(tmp_path, [path])
        if done.returncode:
            assert done.returncode == 2 and not done.stdout and f"{path}: " in done.stderr, (name, done.stderr)
            assert "Traceback" not in done.stderr, (name, done.stderr)
            continue
        read.add(name)
        found = json.loads(done.stdout)
        assert found["predicted"] == verdict.predicted and found["votes"] == verdict.votes, name
    assert read >= READ


RUNTIMES = {
    "onnxruntime": """
import onnxruntime
onnxruntime.set_default_logger_severity(4)
options = onnxruntime.SessionOptions()
options.add_session_config_entry("session.x64quantprecision", "1")

def run(path, feed):
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    assert onnxruntime.__version__.startswith(session.get_modelmeta().custom_metadata_map["simsearch.onnxruntime"] + ".")
    return session.run(None, feed)
""",
    "openvino": """
import openvino

def run(path, feed):
    model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [model(feed)[output] for output in model.outputs]
""",
}
RUN = """
import json, sys
import numpy as np
for path, feed in json.loads(sys.stdin.read()):
    feed = {name: np.load(file) for name, file in feed.items()}
    print(json.dumps([output.tolist() for output in run(path, feed)]))
"""


@pytest.mark.parametrize(
    "runtime, packages, precisions",
    [
        ("onnxruntime", [f"onnxruntime=={OLDEST_RUNTIME}.*", "numpy<2"], ("FP32", "FAST")),
        ("openvino", ["openvino", "numpy"], ("FP32",)),
    ],
    ids=["oldest-onnxruntime", "openvino"],
)
def test_the_file_runs_elsewhere(
    tmp_path: Path, runtime: str, packages: list[str], precisions: tuple[str, ...]
) -> None:
    """Of the real encoder, as the tiny one lacks most of its operators: the oldest ONNX Runtime that the file names, and
    OpenVINO, give what this ONNX Runtime gives."""
    environment = environment_with(tmp_path / "packages", *packages)
    write_pictures(tmp_path / "references", 3, seed=0)
    photo = next(write_pictures(tmp_path / "photos", 1, seed=1).glob("red/*.png"))
    np.save(tmp_path / "images.npy", pixels(photo)[None])
    np.save(tmp_path / "pixels.npy", Preprocessing().read(photo)[None])
    jobs, expected = [], []
    for precision in precisions:
        encoder = Encoder(real_encoder(), precision=precision)
        database = build(tmp_path / "references", encoder)
        rejection = fit_rejection(database, None, database.embeddings[:0])
        for flavour, feed in (("image", "images"), ("tensor", "pixels")):
            output = tmp_path / f"{precision}_{flavour}.onnx"
            export_onnx(database, encoder.path, output, flavour, K, rejection, precision)
            options = import_onnxruntime().SessionOptions()
            options.add_session_config_entry("session.x64quantprecision", "1")
            session = import_onnxruntime().InferenceSession(output, options, providers=["CPUExecutionProvider"])
            expected.append(session.run(None, {feed: np.load(tmp_path / f"{feed}.npy")}))
            jobs.append((str(output), {feed: str(tmp_path / f"{feed}.npy")}))
    done = subprocess.run(
        [sys.executable, "-c", RUNTIMES[runtime] + RUN],
        input=json.dumps(jobs), env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line, (label, votes, similarities, _, familiarity) in zip(done.stdout.splitlines(), expected, strict=True):
        found = json.loads(line)
        assert found[0] == label.tolist() and found[1] == votes.tolist()
        assert found[2] == [pytest.approx(row, abs=2e-3) for row in similarities.tolist()]
        assert found[4] == pytest.approx(familiarity.tolist(), abs=2e-3)
