"""Loads one package for trial. Runs as a program of its own, so that what the package does harms nobody.

Called as ``python environment_probe.py REQUEST``; REQUEST is a JSON file with `module`, `package`, `search_path`,
`answer` (where to write) and `limit_s`. Imports nothing of AI Imaging and nothing but the standard library itself.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

_MiB = 2**20


def main(request_file: str) -> None:
    """Load the package that the request names, try what can be tried, and write down how far it came."""
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    # Ends this process even while a package holds the interpreter, and when nobody waits for it any more.
    faulthandler.dump_traceback_later(request["limit_s"], exit=True)
    sys.path[:] = request["search_path"]
    answer: dict[str, Any] = {"stage": "loading", "error": "", "warnings": []}
    path = Path(request["answer"])
    _write(path, answer)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            module = importlib.import_module(request["module"])
            answer["stage"] = "trying"
            _write(path, answer)
            trial = _TRIALS.get(request["package"])
            if trial is not None:
                trial(module, answer, lambda: _write(path, answer))
            answer["stage"] = "done"
        # A package may raise anything, even SystemExit, and every way of failing is what is asked for here.
        except BaseException as error:  # noqa: BLE001
            cause = _first_cause(error)
            answer["error"] = f"{type(cause).__name__}: {cause}"
    answer["warnings"] = sorted({str(warning.message)[:500] for warning in caught})[:20]
    _write(path, answer)


def _first_cause(error: BaseException) -> BaseException:
    """Return what went wrong first: packages wrap it into pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _try_torch(torch: Any, answer: dict[str, Any], write: Any) -> None:
    answer["version"] = str(torch.__version__)
    answer["cuda"] = getattr(torch.version, "cuda", None)
    answer["hip"] = getattr(torch.version, "hip", None)
    answer["gpus"] = []
    (torch.ones(2) + 1).numpy()
    mps = getattr(getattr(torch, "backends", None), "mps", None)
    if mps is not None:
        answer["mps"] = {"built": bool(mps.is_built()), "usable": bool(mps.is_available())}
    answer["stage"] = "asking for the GPU"
    write()
    answer["gpu_usable"] = bool(torch.cuda.is_available())
    if not answer["gpu_usable"]:
        return
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        answer["gpus"].append({"name": name, "free_mib": free / _MiB, "total_mib": total / _MiB})
    answer["stage"] = "computing on the GPU"
    write()
    try:
        torch.ones(8, device="cuda").sum().item()
    except RuntimeError as error:
        answer["gpu_error"] = str(error)


def _try_torchvision(torchvision: Any, answer: dict[str, Any], write: Any) -> None:
    import torch

    torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)


def _try_openvino(openvino: Any, answer: dict[str, Any], write: Any) -> None:
    answer["devices"] = [str(device) for device in openvino.Core().available_devices]


_TRIALS = {"torch": _try_torch, "torchvision": _try_torchvision, "openvino": _try_openvino}


def _write(path: Path, answer: dict[str, Any]) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(answer), encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    main(sys.argv[1])
