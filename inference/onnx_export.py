# SPDX-License-Identifier: GPL-3.0-or-later
"""One ONNX file for the station: encoder, references and vote, for any program that runs ONNX."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .database import ReferenceDatabase
from .encoder import LEAST_WEIGHT, frame_of_patches
from .errors import InputError
from .files import replacing, shown
from .preprocessing import Preprocessing
from .quantising import load_model
from .rejection import UNKNOWN, Rejection

INPUTS = ("image", "tensor")
OLDEST_RUNTIME = "1.17"
"""The oldest ONNX Runtime that runs an exported file. It was the first to support opset 20, which Gelu needs."""

LARGEST = 2**31 - 1
"""Largest size in bytes of a protocol buffer, and so of an ONNX file without external data."""

PREPROCESS = """preprocess (uint8[N, H, W, 3] images) => (float[N, 3, S, S] pixels) {
    image_sides = Shape <start = 1, end = 3> (images)
    sides = Cast <to = 11> (image_sides)
    near_edges = Mul (sides, crop_start)
    near = Round (near_edges)
    far_edges = Mul (sides, crop_end)
    far = Round (far_edges)
    first_pixel = Cast <to = 7> (near)
    next_to_last = Sub (image_sides, one_pixel)
    cut_from = Min (first_pixel, next_to_last)
    last_pixel = Cast <to = 7> (far)
    after_start = Add (cut_from, one_pixel)
    cut_to = Max (last_pixel, after_start)
    cropped = Slice (images, cut_from, cut_to, crop_axes)
    channels_first = Transpose <perm = [0, 3, 1, 2]> (cropped)
    resized = Resize <axes = [2, 3], mode = "cubic", cubic_coeff_a = -0.5, antialias = 1, exclude_outside = 1>
        (channels_first, , , image_size)
    levels = Cast <to = 1> (resized)
    shares = Div (levels, white)
    centred = Sub (shares, mean)
    pixels = Div (centred, std)
}"""
""":func:`.preprocessing.crop_box`, :meth:`.preprocessing.Preprocessing.stretched` and its ``tensor`` in ONNX's text
syntax. ONNX Runtime resizes uint8 as Pillow does: horizontally first, each pass rounded to 8 bits."""

OF_CLASS = """of_class (float[N, T] embedding) => (float[N, T] class_unit) {
    class_unit = LpNormalization <axis = 1, p = 2> (embedding)
}"""
""":meth:`.encoder.Encoder.embed`."""

JOIN = """join (float[N, T] class_unit, float[N, P, T] patch_tokens) => (float[N, D] joined) {
    frame_tokens = Gather <axis = 1> (patch_tokens, frame_patches)
    frame_mean = ReduceMean <keepdims = 1> (frame_tokens, axis_1)
    frame_unit = LpNormalization <axis = 2, p = 2> (frame_mean)
    patch_units = LpNormalization <axis = 2, p = 2> (patch_tokens)
    frame_products = Mul (patch_units, frame_unit)
    frame_cosines = ReduceSum <keepdims = 1> (frame_products, axis_2)
    differences = Sub (full_weight, frame_cosines)
    patch_weights = Max (differences, least_weight)
    weighted_patches = Mul (patch_tokens, patch_weights)
    foreground = ReduceSum <keepdims = 0> (weighted_patches, axis_1)
    foreground_unit = LpNormalization <axis = 1, p = 2> (foreground)
    joined = Concat <axis = 1> (class_unit, foreground_unit)
}"""
"""The same for models with ``foreground``, and :func:`.encoder.foreground_tokens`."""

VOTE = """vote (float[N, D] joined)
    => (int64[N] label, int64[N, C] votes, float[N, K] similarities, int64[N, K] neighbours) {
    parts = Reshape (joined, parts_shape)
    whitened = MatMul (parts, whitening)
    whitened_unit = LpNormalization <axis = 3, p = 2> (whitened)
    weighted = Mul (whitened_unit, part_weights)
    whitened_again = MatMul (weighted, whitening)
    compared = MatMul (whitened_again, reference_parts)
    part_similarities = Div (compared, reference_lengths)
    all_similarities = ReduceSum <keepdims = 0> (part_similarities, part_axes)
    similarities, neighbours = TopK (all_similarities, k)
    voters = Gather (reference_labels, neighbours)
    voter_column = Unsqueeze (voters, axis_2)
    voted = Equal (voter_column, class_numbers)
    ballots = Cast <to = 6> (voted)
    vote_counts = ReduceSum <keepdims = 0> (ballots, axis_1)
    votes = Cast <to = 7> (vote_counts)
    nearest = ArgMax <axis = 1, keepdims = 0> (ballots)
    similarity_column = Unsqueeze (similarities, axis_2)
    weights = Cast <to = 11> (similarity_column)
    counted_weights = Where (voted, weights, no_weight)
    sums = ReduceSum <keepdims = 0> (counted_weights, axis_1)
    most_votes = ReduceMax (vote_counts, axis_1)
    leading = Equal (vote_counts, most_votes)
    leading_sums = Where (leading, sums, lowest)
    highest_sum = ReduceMax (leading_sums, axis_1)
    best = Equal (leading_sums, highest_sum)
    best_rank = Where (best, nearest, k)
    best_rank_32 = Cast <to = 6> (best_rank)
    label = ArgMin <axis = 1, keepdims = 0> (best_rank_32)
}"""
""":meth:`.database.ReferenceDatabase.nearest` and :func:`.neighbours.vote`, with the same rules for ties."""

REJECT = """reject (int64[N] winner, float[N, T] class_unit) => (int64[N] label, double[N] familiarity) {
    vector = Cast <to = 11> (class_unit)
    from_mean = Sub (vector, subspace_mean)
    coordinates = MatMul (from_mean, subspace_axes)
    within = MatMul (coordinates, subspace_axes_back)
    nearest_point = Add (within, subspace_mean)
    products = Mul (vector, nearest_point)
    dot = ReduceSum <keepdims = 0> (products, axis_1)
    squares = Mul (nearest_point, nearest_point)
    squared_length = ReduceSum <keepdims = 0> (squares, axis_1)
    length = Sqrt (squared_length)
    familiarity = Div (dot, length)
    strange = Less (familiarity, threshold)
    label = Where (strange, unknown_label, winner)
}"""
""":meth:`.rejection.Subspace.familiarity`, and the rejection of photos that are less familiar than the threshold."""


def export_onnx(
    database: ReferenceDatabase,
    encoder: Path,
    output: Path,
    flavour: str,
    k: int,
    rejection: Rejection | None = None,
    precision: str = "FP32",
) -> None:
    """Write one ONNX file that classifies photos as ``classify`` does.

    Its outputs are ``label`` int64 [N], which is -1 for an unknown photo; ``votes`` int64 [N, C]; ``similarities``
    float32 [N, k], the highest first; ``neighbours`` int64 [N, k]; and, with rejection, ``familiarity`` float64 [N].
    Its metadata, which are named ``simsearch.…``, contain the names of classes and reference images by number, k, the
    crop, the white level of deep photos, the model, and the oldest ONNX Runtime that runs the file. Lists are JSON.

    Args:
        database: the references. Its crop is applied to images; a tensor must be made from a cropped photo.
        encoder: the encoder's file.
        output: the file to write.
        flavour: the input. ``image``: ``images`` uint8 [N, H, W, 3], RGB, upright, of any size. ``tensor``: ``pixels``
            float32 [N, 3, size, size], as :class:`.preprocessing.Preprocessing` makes them.
        k: number of neighbours that vote.
        rejection: the rule by which a photo is unknown. With None, no photo is rejected.
        precision: "FP32" or "FAST". A "FAST" file must be given one photo at a time; :mod:`.quantising` says why.

    Raises:
        InputError: the ``onnx`` package is missing, or the file would be too large.
    """
    onnx = _import_onnx()
    model = _load_encoder(encoder, database, precision)
    foreground = database.model.foreground
    vote = VOTE if foreground else VOTE.replace("joined", "class_unit")
    if rejection:
        vote = vote.replace("int64[N] label", "int64[N] winner").replace("    label =", "    winner =")
    before = [onnx.parser.parse_graph(PREPROCESS)] if flavour == "image" else []
    outputs = ["embedding", "patch_tokens"] if foreground else ["embedding"]
    _compute_patch_tokens(model.graph)
    embedding = onnx.utils.Extractor(model).extract_model(["pixels"], outputs).graph
    parts = [OF_CLASS, *([JOIN] if foreground else []), vote, *([REJECT] if rejection else [])]
    after = [onnx.parser.parse_graph(part) for part in parts]
    constants = {
        **_vote_constants(database, k),
        **(_foreground_constants(model.graph) if foreground else {}),
        **(_rejection_constants(rejection) if rejection else {}),
        **(_preprocessing_constants(database.preprocessing) if flavour == "image" else {}),
    }
    graph = onnx.helper.make_graph(
        [node for part in (*before, embedding, *after) for node in part.node],
        "synthetic_similarity_search",
        (*before, embedding)[0].input,
        [*onnx.parser.parse_graph(VOTE).output, *(after[-1].output[1:] if rejection else [])],
        [*embedding.initializer, *(onnx.numpy_helper.from_array(array, name) for name, array in constants.items())],
    )
    oldest = onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True)
    exported = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=oldest)
    metadata = {entry.key: entry.value for entry in model.metadata_props} | _metadata(database, k, rejection)
    onnx.helper.set_model_props(exported, metadata)
    with replacing(output) as temporary:
        onnx.save(exported, temporary)


def _import_onnx() -> Any:
    """Import the ``onnx`` package, which nothing else needs."""
    try:
        import onnx
        import onnx.parser
        import onnx.utils
    except ImportError as error:
        raise InputError("export-onnx needs the Python package onnx. Install it: pip install onnx") from error
    return onnx


def _load_encoder(encoder: Path, database: ReferenceDatabase, precision: str) -> Any:
    """Load the encoder as an ONNX model that contains all its weights."""
    onnx = _import_onnx()
    model = onnx.load(encoder, load_external_data=False)
    external = any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)
    if external or encoder.stat().st_size + database.embeddings.nbytes > LARGEST:
        raise InputError(f"{shown(encoder)} and the database are too large for one ONNX file. Choose a smaller model.")
    return load_model(encoder, fast=True) if precision == "FAST" else model


def _compute_patch_tokens(graph: Any) -> None:
    """Let an encoder compute its patch tokens always: the branch that does takes the place of the switch."""
    for position, node in enumerate(graph.node):
        if node.op_type == "If":
            branch = next(attribute.g for attribute in node.attribute if attribute.name == "then_branch")
            branch.node[-1].output[0] = node.output[0]
            nodes = [*graph.node[:position], *branch.node, *graph.node[position + 1 :]]
            del graph.node[:]
            graph.node.extend(nodes)
            return


def _vote_constants(database: ReferenceDatabase, k: int) -> dict[str, NDArray[Any]]:
    """Return the constants of :data:`VOTE`."""
    weights = database.whitening.weights
    return {
        "parts_shape": np.array([0, len(weights), 1, database.model.dim], np.int64),
        "part_axes": np.array([1, 2], np.int64),
        "part_weights": np.array(weights, np.float32)[:, None, None],
        "whitening": database.whitening.matrices.astype(np.float32),
        "reference_parts": np.stack([part.T for part in np.split(database.compared, len(weights), axis=1)]),
        "reference_lengths": np.ascontiguousarray(database.lengths.T[:, None]),
        "reference_labels": database.labels,
        "class_numbers": np.arange(len(database.classes), dtype=np.int64),
        "k": np.array([k], np.int64),
        "axis_1": np.array([1], np.int64),
        "axis_2": np.array([2], np.int64),
        "no_weight": np.array(0.0),
        "lowest": np.array(-np.inf),
    }


def _foreground_constants(encoder: Any) -> dict[str, NDArray[Any]]:
    """Return the constants of :data:`JOIN` that only it needs, for the graph of an encoder."""
    tokens = next(output for output in encoder.output if output.name == "patch_tokens")
    return {
        "frame_patches": frame_of_patches(tokens.type.tensor_type.shape.dim[1].dim_value),
        "full_weight": np.array(1, np.float32),
        "least_weight": np.array(LEAST_WEIGHT, np.float32),
    }


def _rejection_constants(rejection: Rejection) -> dict[str, NDArray[Any]]:
    """Return the constants of :data:`REJECT`."""
    return {
        "subspace_mean": rejection.subspace.mean,
        "subspace_axes": np.ascontiguousarray(rejection.subspace.axes.T),
        "subspace_axes_back": np.ascontiguousarray(rejection.subspace.axes),
        "threshold": np.array(rejection.threshold),
        "unknown_label": np.array(-1, np.int64),
    }


def _preprocessing_constants(preprocessing: Preprocessing) -> dict[str, NDArray[Any]]:
    """Return the constants of :data:`PREPROCESS`."""
    left, top, width, height = preprocessing.crop
    return {
        "crop_start": np.array([top, left]),
        "crop_end": np.array([top + height, left + width]),
        "crop_axes": np.array([1, 2], np.int64),
        "one_pixel": np.array(1, np.int64),
        "image_size": np.array([preprocessing.size, preprocessing.size], np.int64),
        "white": np.array(255, np.float32),
        "mean": np.array(preprocessing.mean, np.float32)[:, None, None],
        "std": np.array(preprocessing.std, np.float32)[:, None, None],
    }


def _metadata(database: ReferenceDatabase, k: int, rejection: Rejection | None) -> dict[str, str]:
    """Return the metadata that are added to those of the encoder's file."""
    found = {
        "simsearch.encoder_sha256": database.model.sha256,
        "simsearch.classes": json.dumps(database.classes),
        "simsearch.images": json.dumps(database.images),
        "simsearch.k": str(k),
        "simsearch.crop": json.dumps(database.preprocessing.crop),
        "simsearch.onnxruntime": OLDEST_RUNTIME,
    }
    if white_level := database.preprocessing.white_level:
        found["simsearch.white_level"] = str(white_level)
    if rejection:
        found |= {"simsearch.unknown": UNKNOWN, "simsearch.threshold": str(rejection.threshold)}
    return found
