"""Files with changed, missing or added bytes: they load or are refused with a clear error, nothing else happens."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("safetensors")
pytest.importorskip("yaml")

from AIImagingLogic.records.errors import ModelError
from Testing.Python.attack_files import attack_cases, honest_cases

_HONEST = {name: case for name, case in honest_cases().items() if case.name not in ("inference.json", "plans.json")}
_WEIGHTS = {name: case for name, case in attack_cases().items() if case.name.startswith(("model.p", "w.", "a.np"))}


def _damaged(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    where = chance.randrange(len(data))
    kind = chance.choice(["cut", "changed", "changed", "added"])
    if kind == "cut":
        return bytes(data[:where])
    if kind == "added":
        return bytes(data[:where] + chance.randbytes(5) + data[where:])
    for _ in range(chance.choice([1, 5])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", _HONEST)
def test_a_damaged_file_loads_or_is_refused(tmp_path: Path, name: str) -> None:
    case = _HONEST[name]
    path = tmp_path / case.name
    case.make(path, tmp_path / "canary")
    whole = path.read_bytes()
    refused = 0
    for seed in range(20):
        path.write_bytes(_damaged(whole, random.Random(seed)))
        try:
            case.use(path)
        except ModelError as error:
            refused += 1
            assert error.what
    assert refused


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", _WEIGHTS)
def test_weights_made_to_do_harm_are_refused(tmp_path: Path, name: str) -> None:
    case, canary = _WEIGHTS[name], tmp_path / "canary"
    (tmp_path / "package").mkdir()
    case.make(tmp_path / "package" / case.name, canary)
    with pytest.raises(ModelError):
        case.use(tmp_path / "package" / case.name)
    assert not canary.exists()
