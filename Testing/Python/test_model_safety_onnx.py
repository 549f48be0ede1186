"""ONNX files: honest ones load with their weights, those that point elsewhere or blow up are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from AIImagingLogic.models.safety.onnx_file import load_onnx
from AIImagingLogic.models.safety.refusals import UnsafeModel
from AIImagingLogic.records.errors import ModelError
from Testing.Python.attack_onnx import ONNX_ATTACKS, external_model, honest_model

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("name", ONNX_ATTACKS)
def test_an_attack_is_refused(tmp_path: Path, name: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    ONNX_ATTACKS[name](package / "model.onnx", tmp_path / "canary")
    with pytest.raises(UnsafeModel, match=r"model\.onnx"):
        load_onnx(package / "model.onnx", package)


@pytest.mark.parametrize("external", [False, True])
def test_an_honest_model_loads_with_its_weights(tmp_path: Path, external: bool) -> None:
    path = tmp_path / "model.onnx"
    if external:
        (tmp_path / "weights.bin").write_bytes(np.arange(4, dtype=np.float32).tobytes())
        external_model(path, "weights.bin", offset="0", length="16")
    else:
        path.write_bytes(honest_model().SerializeToString())
    weight = onnx.numpy_helper.to_array(load_onnx(path).graph.initializer[0])
    assert weight.tolist() == [0, 1, 2, 3]


def test_a_broken_or_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\x08\x07" + b"\xff" * 50)
    with pytest.raises(UnsafeModel, match="not a whole ONNX"):
        load_onnx(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="missing"):
        load_onnx(tmp_path / "other.onnx")
