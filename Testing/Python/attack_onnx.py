"""ONNX files that point elsewhere, need foreign code or declare absurd sizes; and an honest one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

MakeOnnx = Callable[[Path, Path], None]


def honest_model(domain: str = "", operator: str = "Add", shape: tuple[int, ...] = (1, 1, 4)) -> Any:
    """Return a model that adds its weight to its input."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    value = helper.make_tensor_value_info
    weight = numpy_helper.from_array(np.arange(4, dtype=np.float32), "weight")
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "weight"], ["y"], domain=domain)],
        "net",
        [value("x", TensorProto.FLOAT, shape)],
        [value("y", TensorProto.FLOAT, (1, 1, 4))],
        [weight],
    )
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def external_model(path: Path, location: str, **entries: str) -> None:
    """Save the model with its weight in another file."""
    import onnx

    model = honest_model()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, text in {"location": location, **entries}.items():
        weight.external_data.add(key=key, value=text)
    path.write_bytes(model.SerializeToString())


def _escape(path: Path, canary: Path) -> None:
    (path.parent.parent / "secret.bin").write_bytes(bytes(16))
    external_model(path, "../secret.bin")


def _absolute(path: Path, canary: Path) -> None:
    external_model(path, "/etc/passwd")


def _link(path: Path, canary: Path) -> None:
    (path.parent / "weights.bin").symlink_to("/etc/passwd")
    external_model(path, "weights.bin")


def _past_the_end(path: Path, canary: Path) -> None:
    (path.parent / "weights.bin").write_bytes(bytes(16))
    external_model(path, "weights.bin", offset="8")


def _foreign(path: Path, canary: Path) -> None:
    path.write_bytes(honest_model("com.evil", "Run").SerializeToString())


def _input_size(path: Path, canary: Path) -> None:
    path.write_bytes(honest_model(shape=(2**40, 2**40, 4)).SerializeToString())


def _weight_size(path: Path, canary: Path) -> None:
    model = honest_model()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([2**20, 2**20])
    path.write_bytes(model.SerializeToString())


def _grown(path: Path, canary: Path) -> None:
    import numpy as np
    from onnx import helper, numpy_helper

    model = honest_model()
    model.graph.initializer.append(numpy_helper.from_array(np.array([2**19, 2**19], dtype=np.int64), "many"))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["many"], ["huge"]))
    path.write_bytes(model.SerializeToString())


def _deep(path: Path, canary: Path) -> None:
    from onnx import helper

    graph = honest_model().graph
    for _ in range(25):
        node = helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=honest_model().graph)
        graph = helper.make_graph([node], "g", [], [])
    path.write_bytes(helper.make_model(graph).SerializeToString())


ONNX_ATTACKS: dict[str, MakeOnnx] = {
    "onnx weights outside the package": _escape,
    "onnx weights at an absolute path": _absolute,
    "onnx weights behind a link": _link,
    "onnx weights past the end of their file": _past_the_end,
    "onnx operator of another library": _foreign,
    "onnx input of absurd size": _input_size,
    "onnx weight of absurd size": _weight_size,
    "onnx few bytes that grow": _grown,
    "onnx graphs in graphs without end": _deep,
}
