# SPDX-License-Identifier: GPL-3.0-or-later
"""The encoder: how it is found, what is refused, what it promises about its vectors."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from synthetic_similarity_search.inference import encoder as encoder_module
from synthetic_similarity_search.inference.encoder import (
    Encoder,
    Model,
    find_encoder,
    foreground_tokens,
    import_onnxruntime,
)
from synthetic_similarity_search.inference.errors import InputError
from synthetic_similarity_search.tests.tiny_encoder import DIM, random_batch, real_encoder, write_tiny_encoder

ROOT = Path(__file__).resolve().parents[2]


def test_found_where_the_user_says_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, own, shipped = (write_tiny_encoder(tmp_path / name) for name in ("named.onnx", "own.onnx", "shipped.onnx"))
    (tmp_path / "own").mkdir()
    (tmp_path / "shipped").mkdir()
    own, shipped = own.rename(tmp_path / "own" / "vitb14.onnx"), shipped.rename(tmp_path / "shipped" / "vitb14.onnx")
    monkeypatch.setattr(encoder_module, "MODELS", tmp_path / "shipped")
    monkeypatch.delenv("SIMSEARCH_ENCODERS", raising=False)
    assert find_encoder("VITB14") == shipped
    monkeypatch.setenv("SIMSEARCH_ENCODERS", str(tmp_path / "own"))
    assert find_encoder("VITB14") == own
    assert find_encoder("VITB14", named) == named
    own.unlink()
    assert find_encoder("VITB14") == shipped


def test_a_missing_encoder_is_named_with_the_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMSEARCH_ENCODERS", str(tmp_path))
    monkeypatch.setattr(encoder_module, "MODELS", tmp_path / "models")
    with pytest.raises(InputError, match=r"vitl14\.onnx or .*models/vitl14\.onnx\. Choose the Encoder Folder"):
        find_encoder("VITL14")
    with pytest.raises(InputError, match=r"nothing\.onnx"):
        find_encoder("VITS14", tmp_path / "nothing.onnx")


def test_vectors_have_unit_length_and_know_their_model(tmp_path: Path) -> None:
    path = write_tiny_encoder(tmp_path / "tiny.onnx")
    encoder = Encoder(path)
    assert (encoder.size, encoder.model.dim, encoder.model.name) == (224, DIM, "tiny")
    assert encoder.weights == "Random weights, for tests only"
    batch = random_batch(3)
    vectors, tokens = encoder.embed(batch), encoder.patch_tokens(batch)
    assert vectors.shape == (3, DIM) and vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    assert tokens.shape == (3, 256, DIM)
    means = tokens.mean(axis=1)  # by the tiny encoder's construction
    assert np.abs(vectors - means / np.linalg.norm(means, axis=1, keepdims=True)).max() < 1e-5
    joined = encoder.with_foreground()
    assert joined.model == Model("tiny", encoder.model.sha256, DIM, foreground=True) and joined.model.length == 2 * DIM
    assert joined.with_foreground(False).model == encoder.model
    both = joined.embed(batch)
    assert (both[:, :DIM] == vectors).all() and np.abs(np.linalg.norm(both[:, DIM:], axis=1) - 1).max() < 1e-6


def test_a_vector_is_the_class_token_joined_with_the_foreground_token() -> None:
    path, batch = real_encoder(), random_batch(2)
    session = import_onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"])
    class_tokens, patch_tokens = session.run(["embedding", "patch_tokens"], {"pixels": batch})
    vectors = Encoder(path).with_foreground().embed(batch)
    for vector, class_token, patches in zip(vectors, class_tokens, patch_tokens.astype(np.float64), strict=True):
        grid = patches.reshape(16, 16, -1)
        frame = np.concatenate([grid[0], grid[-1], grid[1:-1, 0], grid[1:-1, -1]]).mean(axis=0)
        cosines = patches @ frame / np.linalg.norm(patches, axis=1) / np.linalg.norm(frame)
        token = (1 - cosines) @ patches
        expected = np.concatenate([class_token / np.linalg.norm(class_token), token / np.linalg.norm(token)])
        assert vector == pytest.approx(expected, abs=1e-5)


def test_the_foreground_token_says_how_the_part_looks_and_not_what_lies_around_it() -> None:
    generator = np.random.default_rng(0)
    part, background, other = generator.normal(size=(3, 64)).astype(np.float32)
    images = np.empty((3, 16, 16, 64), np.float32)
    images[0], images[1], images[2] = background, other, background
    images[:2, 6:9, 5:8] = part  # 9 of 256 patches
    tokens = foreground_tokens(images.reshape(3, 256, 64))
    cosines = tokens @ np.stack([part, background], axis=1) / np.linalg.norm(tokens, axis=1)[:, None]
    cosines /= np.linalg.norm([part, background], axis=1)
    assert (cosines[:2, 0] > 0.99).all() and cosines[2, 1] > 0.99, "an empty image shows its background"


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "other graph", "no metadata"])
def test_what_is_no_encoder_is_refused_in_one_sentence(tmp_path: Path, damage: str) -> None:
    path = write_tiny_encoder(tmp_path / "tiny.onnx")
    content = path.read_bytes()
    model = onnx.load(path)
    if damage == "other graph":
        model.graph.output[0].name = model.graph.node[-1].output[0] = "features"
    if damage == "no metadata":
        del model.metadata_props[:]
    damaged = {"empty": b"", "text": b"hello", "truncated": content[: len(content) // 2]}
    path.write_bytes(damaged.get(damage, model.SerializeToString()))
    with pytest.raises(InputError) as caught:
        Encoder(path)
    (problem,) = caught.value.problems
    assert "tiny.onnx" in problem and "Encoder Folder" in problem and "\n" not in problem


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_telemetry_is_off_before_the_runtime_is_imported(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text(
        "import os\nseen = os.environ.get('ORT_DISABLE_TELEMETRY')\nset_default_logger_severity = str\n"
    )
    code = "from inference.encoder import import_onnxruntime; print(import_onnxruntime().seen)"
    assert run_python(code, PYTHONPATH=str(tmp_path), ORT_DISABLE_TELEMETRY="0") == "1"


@pytest.mark.parametrize("error", ["ImportError('DLL load failed')", "OSError('cannot open shared object file')"])
def test_a_runtime_that_cannot_be_loaded_is_a_problem_with_a_next_step(tmp_path: Path, error: str) -> None:
    (tmp_path / "onnxruntime.py").write_text(f"raise {error}\n")
    code = (
        "from inference.encoder import import_onnxruntime\nfrom inference.errors import InputError\n"
        "try: import_onnxruntime()\nexcept InputError as error: print(error)"
    )
    said = run_python(code, PYTHONPATH=str(tmp_path))
    assert "Visual C++ Redistributable" in said and error.split("'")[1][4:] in said


def test_only_the_named_provider_is_used(tmp_path: Path) -> None:
    path = write_tiny_encoder(tmp_path / "tiny.onnx")
    code = f"""
import json, onnxruntime
made, session = [], onnxruntime.InferenceSession
onnxruntime.InferenceSession = lambda *given, **named: made.append(session(*given, **named)) or made[-1]
from synthetic_similarity_search.inference.encoder import Encoder
Encoder({str(path)!r} and __import__('pathlib').Path({str(path)!r}))
print(json.dumps(made[0].get_providers()))
"""
    assert json.loads(run_python(code)) == ["CPUExecutionProvider"]


class Session:
    """A session of the fake runtime below; which providers fail when it is made, silently or at work, is in FAILS."""

    def __init__(
        self, _file: object, _options: object, providers: list[tuple[str, dict[str, str]]], **_: object
    ) -> None:
        self.name = providers[0][0]
        if FAILS.get(self.name) == "when made":
            raise RuntimeError("no device\nmore")
        self.used = ["CPUExecutionProvider"] if FAILS.get(self.name) == "silently" else [name for name, _ in providers]

    def get_providers(self) -> list[str]:
        return self.used

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="pixels", shape=["N", 3, 224, 224])]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name, shape=["N", DIM]) for name in ("embedding", "patch_tokens")]

    def get_modelmeta(self) -> SimpleNamespace:
        return SimpleNamespace(custom_metadata_map={"simsearch.name": "fake", "simsearch.weights": "none"})

    def get_overridable_initializers(self) -> list[SimpleNamespace]:
        return []

    def run(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        if FAILS.get(self.name) == "at work":
            raise RuntimeError("out of memory")
        shapes = {"embedding": (DIM,), "patch_tokens": (256, DIM)}
        return [np.ones((len(inputs["pixels"]), *shapes[output]), np.float32) for output in outputs]


FAILS: dict[str, str] = {}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Encoder, list[str]]]:
    """Opens an encoder where the runtime offers the named providers, some of which fail."""

    def open_encoder(*offered: str, fails: dict[str, str] | None = None, **options: str) -> tuple[Encoder, list[str]]:
        module = SimpleNamespace(
            get_available_providers=lambda: [f"{name}ExecutionProvider" for name in (*offered, "Azure", "CPU")],
            SessionOptions=lambda: SimpleNamespace(add_session_config_entry=lambda *_: None),
            InferenceSession=Session,
        )
        monkeypatch.setattr(encoder_module, "import_onnxruntime", lambda: module)
        monkeypatch.setitem(
            globals(), "FAILS", {f"{name}ExecutionProvider": how for name, how in (fails or {}).items()}
        )
        said: list[str] = []
        return Encoder(write_tiny_encoder(tmp_path / "tiny.onnx"), say=said.append, **options), said

    return open_encoder


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["CUDA", "Tensorrt"], "TENSORRT"),
        (["CUDA"], "CUDA"),
        (["Dml"], "DIRECTML"),
        (["CoreML"], "COREML"),
        ([], "CPU"),
    ],
)
def test_the_quickest_provider_on_offer_is_chosen_and_reported(
    runtime: Callable[..., tuple[Encoder, list[str]]], offered: list[str], chosen: str
) -> None:
    encoder, said = runtime(*offered)
    assert (encoder.provider, said) == (chosen, [])
    assert encoder.description.provider == encoder_module.PROVIDERS[chosen]
    assert runtime(*offered, provider="CPU")[0].provider == "CPU"


@pytest.mark.parametrize("how", ["when made", "silently"])
def test_a_provider_that_fails_costs_one_sentence(runtime: Callable[..., tuple[Encoder, list[str]]], how: str) -> None:
    encoder, said = runtime("Tensorrt", "CUDA", fails={"Tensorrt": how, "CUDA": how})
    assert encoder.provider == "CPU" and len(said) == 2
    assert all("cannot run the encoder" in sentence and "\n" not in sentence for sentence in said)
    assert runtime("Tensorrt", "CUDA", fails={"Tensorrt": how})[0].provider == "CUDA"


def test_what_the_runtime_says_is_told_without_its_sources() -> None:
    said = "/onnxruntime_src/python/state.cc:729 void Register(Options&, const Other&) Please install it.\nMore."
    assert encoder_module._why(RuntimeError(said)) == "Please install it"
    assert encoder_module._why(RuntimeError("out of memory")) == "out of memory"


def test_a_provider_that_fails_at_work_is_replaced_and_the_job_goes_on(
    runtime: Callable[..., tuple[Encoder, list[str]]],
) -> None:
    encoder, said = runtime("CUDA", fails={"CUDA": "at work"})
    assert encoder.provider == "CUDA"
    assert encoder.embed(random_batch(3)).shape == (3, DIM)
    assert (encoder.provider, len(said)) == ("CPU", 1) and "out of memory" in said[0]


def test_a_provider_that_is_not_on_offer_is_refused(runtime: Callable[..., tuple[Encoder, list[str]]]) -> None:
    with pytest.raises(InputError, match="CUDA cannot run this encoder here. Choose one of: CPU"):
        runtime(provider="CUDA")


def test_the_real_encoder_gives_the_same_vector_whatever_is_in_its_batch() -> None:
    encoder = Encoder(real_encoder()).with_foreground()
    batch = random_batch(5)
    together, alone = encoder.embed(batch), np.concatenate([encoder.embed(image[None]) for image in batch])
    assert (together == alone).all()
    assert encoder.patch_tokens(batch[:2]).shape == (2, 256, encoder.model.dim)


def test_a_stand_in_says_that_it_is_one() -> None:
    encoder = Encoder(real_encoder())
    if not encoder.model.name.startswith("standin"):
        pytest.skip(f"the encoder here is {encoder.model.name}")
    assert encoder.weights.lower().startswith("stand-in")
