"""An ONNX file is looked at before any engine reads it: operators, declared sizes, and files that it points to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.member_names import checked_member
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

if TYPE_CHECKING:
    from onnx import ModelProto


def load_onnx(path: Path, package: Path | None = None) -> ModelProto:
    """Return the model of an ONNX file, its weights in it or in files of the package.

    Parameters
    ----------
    path : Path
        ``.onnx``.
    package : Path, optional
        Folder that files of weights must lie in; the file's own folder unless given.

    Raises
    ------
    UnsafeModel
        It is broken; declares absurd sizes; points to a file outside the package; or needs operators of a library
        that is not ONNX's own, which are named.
    ModelError
        It is missing, or the package 'onnx' is not installed.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise ModelError(f"The network '{path}' is missing or empty.", DOWNLOAD_AGAIN)
    if path.stat().st_size > limit("onnx_bytes"):
        raise UnsafeModel(f"'{path.name}' has {path.stat().st_size} bytes.", "Do not use this package.")
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ModelError(f"'{path.name}' needs the package 'onnx'.", "Install 'onnx'.") from error
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError, RuntimeError) as error:
        raise UnsafeModel(f"'{path.name}' is not a whole ONNX file.", DOWNLOAD_AGAIN) from error
    _check(model, path, (package or path.parent).resolve())
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except (TypeError, ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        raise UnsafeModel(f"The weights beside '{path.name}' cannot be read.", DOWNLOAD_AGAIN) from error
    return model


def _check(model: Any, path: Path, package: Path) -> None:
    rules = load_resource("models_safety/onnx_operators.json")
    own = {(function.domain, function.name) for function in model.functions}
    graphs = [*_graphs(model.graph, path.name)]
    nodes = [node for graph in graphs for node in graph.node] + [node for f in model.functions for node in f.node]
    if len(nodes) > limit("onnx_nodes"):
        raise UnsafeModel(f"'{path.name}' holds {len(nodes)} operators.", "Do not use this package.")
    foreign = {
        f"{node.domain}::{node.op_type}"
        for node in nodes
        if node.domain not in rules["domains"] and (node.domain, node.op_type) not in own
    }
    if foreign:
        raise UnsafeModel(
            f"'{path.name}' needs operators of another library: {', '.join(sorted(foreign)[:5])}.",
            "Have its author export it with ONNX's own operators.",
        )
    for graph in graphs:
        for value in (*graph.input, *graph.output, *graph.value_info):
            shape = value.type.tensor_type.shape.dim
            _refuse_dimensions([each.dim_value for each in shape], f"{path.name} {value.name}")
    for tensor in _tensors(graphs, nodes, [tensor for graph in graphs for tensor in graph.initializer]):
        _check_tensor(tensor, path, package)
    _refuse_grown(graphs, nodes, rules["by_shape"], path.name)


def _graphs(graph: Any, place: str, depth: int = 0) -> Iterator[Any]:
    if depth > limit("onnx_depth"):
        raise UnsafeModel(f"'{place}' is nested too deeply.", "Do not use this package.")
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _graphs(inner, place, depth + 1)


def _tensors(graphs: Iterable[Any], nodes: Iterable[Any], initializers: Iterable[Any]) -> Iterator[Any]:
    yield from initializers
    for graph in graphs:
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes:
        for attribute in node.attribute:
            yield from (*((attribute.t,) if attribute.HasField("t") else ()), *attribute.tensors)


def _check_tensor(tensor: Any, path: Path, package: Path) -> None:
    from onnx import TensorProto, helper

    place = f"{path.name} {tensor.name}"
    _refuse_dimensions(tensor.dims, place)
    try:
        needed = math.prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, TypeError, ValueError) as error:
        raise UnsafeModel(f"'{place}' has numbers of an unknown kind.", DOWNLOAD_AGAIN) from error
    if tensor.data_location == TensorProto.EXTERNAL:
        _check_external({entry.key: entry.value for entry in tensor.external_data}, place, path, package, needed)
    elif tensor.HasField("raw_data") and not needed // 2 <= len(tensor.raw_data) <= needed:
        # Numbers of four bits lie two in a byte.
        raise UnsafeModel(f"'{place}' holds {len(tensor.raw_data)} bytes, not {needed}.", DOWNLOAD_AGAIN)


def _check_external(entries: dict[str, str], place: str, path: Path, package: Path, needed: int) -> None:
    if not all(isinstance(text, str) for pair in entries.items() for text in pair):
        raise UnsafeModel(f"'{place}' points to a file whose name is no text.", DOWNLOAD_AGAIN)
    location = checked_member(entries.get("location", ""), place)
    found = path.parent / location
    inside = found.resolve().is_relative_to(package)
    if not inside or any(part.is_symlink() for part in (found, *found.parents) if part.is_relative_to(package)):
        raise UnsafeModel(f"'{place}' points out of the package: '{location}'.", "Do not use this package.")
    if not found.is_file():
        raise ModelError(f"'{location}', which '{place}' needs, is missing.", DOWNLOAD_AGAIN)
    try:
        offset, length = int(entries.get("offset") or 0), int(entries.get("length") or needed)
    except ValueError as error:
        raise UnsafeModel(f"'{place}' points to no part of '{location}'.", DOWNLOAD_AGAIN) from error
    if offset < 0 or length < 0 or length > needed + 64 or offset + length > found.stat().st_size:
        raise UnsafeModel(f"'{place}' points past the end of '{location}'.", DOWNLOAD_AGAIN)


def _refuse_dimensions(dimensions: Iterable[int], place: str) -> None:
    lengths = [int(length) for length in dimensions]
    large = any(not 0 <= length <= limit("onnx_dimension") for length in lengths)
    if large or math.prod(length or 1 for length in lengths) > limit("onnx_tensor_elements"):
        raise UnsafeModel(f"'{place}' declares an absurd size: {lengths[:8]}.", "Do not use this package.")


def _refuse_grown(graphs: Iterable[Any], nodes: Iterable[Any], by_shape: dict[str, int], place: str) -> None:
    """Refuse a few bytes that an operator makes large: a shape among the weights."""
    from onnx import numpy_helper

    short = {each.name: each for graph in graphs for each in graph.initializer if math.prod(each.dims) <= 16}
    for node in nodes:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value" and math.prod(attribute.t.dims) <= 16:
                short[node.output[0]] = attribute.t
    for node in nodes:
        which = by_shape.get(node.op_type)
        shape = short.get(node.input[which]) if which is not None and len(node.input) > which else None
        # Weights in another file are not shapes.
        if shape is None or shape.data_location == shape.EXTERNAL:
            continue
        try:
            lengths = numpy_helper.to_array(shape).ravel().tolist()
        except (ValueError, TypeError) as error:
            raise UnsafeModel(f"'{place} {shape.name}' is broken.", DOWNLOAD_AGAIN) from error
        # -1 and 1 keep what is there.
        _refuse_dimensions([max(int(length), 0) for length in lengths], f"{place} {node.op_type}")
