"""TorchScript is a program: it is checked before it is loaded, and its graph before it is run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.pickle_scan import scan_pickle
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel, UntrustedModel
from AIImagingLogic.models.safety.script_source import refuse_other_calls
from AIImagingLogic.models.safety.zip_members import checked_zip, read_member
from AIImagingLogic.records.errors import ModelError
from AIImagingLogic.records.resources import load_resource

if TYPE_CHECKING:
    from torch.jit import ScriptModule

_PICKLE_NAMES = {f"torch.jit._pickle.build_{kind}list" for kind in ("int", "tensor", "double", "bool")} | {
    "torch.jit._pickle.restore_type_tag"
}


def load_torchscript(path: Path, trusted: bool = False) -> ScriptModule:
    """Return a TorchScript network on the CPU, ready to predict.

    Parameters
    ----------
    path : Path
        File of ``torch.jit.save``.
    trusted : bool
        The user trusts exactly this package: its operators are not looked at.

    Raises
    ------
    UntrustedModel
        Its source or graph uses an operator, function or hook outside the allow-list; it is named. Nothing of it ran.
    UnsafeModel
        The file is broken or absurdly large.
    ModelError
        It is missing.

    Notes
    -----
    What was checked is what is loaded: the members are put into a new archive in memory, so that no other reading of
    the file counts. Loading compiles the source and runs none of it; the source check refuses what would run then.
    """
    import torch

    if not path.is_file() or path.stat().st_size == 0:
        raise ModelError(f"The network '{path}' is missing or empty.", DOWNLOAD_AGAIN)
    members = _members(path)
    if not trusted:
        _refuse_programs(members, path.name)
    try:
        module = torch.jit.load(_archive(members), map_location="cpu")
    except (RuntimeError, ValueError, KeyError, IndexError, MemoryError) as error:
        raise UnsafeModel(f"'{path.name}' is not a whole TorchScript file: {_line(error)}.", DOWNLOAD_AGAIN) from error
    _refuse_reach(module, path.name)
    if not trusted:
        _refuse_graphs(module, path.name)
    return module.eval()


def _members(path: Path) -> dict[str, bytes]:
    with checked_zip(path) as (archive, files):
        roots = {name.parts[0] for name in files}
        inside = {str(PurePosixPath(*name.parts[1:])): member for name, member in files.items() if len(name.parts) > 1}
        if len(roots) != 1 or "data.pkl" not in inside or "constants.pkl" not in inside:
            raise UnsafeModel(f"'{path.name}' is not a TorchScript file.", DOWNLOAD_AGAIN)
        # Source positions for messages; nothing that the network needs.
        wanted = {name: member for name, member in inside.items() if not name.endswith(".debug_pkl")}
        return {name: read_member(archive, member, limit("archive_bytes")) for name, member in wanted.items()}


def _archive(members: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(f"archive/{name}", data)
    stream.seek(0)
    return stream


def _refuse_programs(members: dict[str, bytes], place: str) -> None:
    sources = {name: data for name, data in members.items() if name.startswith("code/")}
    for name, data in sources.items():
        if b"__setstate__" in data:
            raise UntrustedModel(f"{place}/{name}", "a function that runs at loading (__setstate__)")
    refuse_other_calls(sources, _known_operators(), place)
    names = load_resource("models_safety/pickle_names.json")
    allowed = {*names["tensors"], *_PICKLE_NAMES}
    for name, data in members.items():
        if name.endswith(".pkl"):
            found = scan_pickle(data, f"{place}/{name}").names
            own = {each for each in found if each.startswith("__torch__.")}
            if others := sorted((found - own - allowed) | {each for each in own if ".classes." in each}):
                raise UntrustedModel(f"{place}/{name}", f"objects of another library ({', '.join(others[:3])})")


def _known_operators() -> set[str]:
    import torch

    return {schema.name.split("::")[1] for schema in torch._C._jit_get_all_schemas()} | {"save", "from_file"}


def _refuse_reach(module: Any, place: str) -> None:
    """Refuse weights that reach past their memory; newer versions of PyTorch do so when they load."""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        steps = zip(tensor.shape, tensor.stride())
        last = tensor.storage_offset() + sum((length - 1) * step for length, step in steps) + 1
        strided = tensor.numel() > 0 and not tensor.is_sparse
        if strided and last * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise UnsafeModel(f"'{place}': '{name}' reaches past its memory.", "Do not use this package.")


def _refuse_graphs(module: Any, place: str) -> None:
    rules = load_resource("models_safety/script_operators.json")
    allowed = {f"aten::{name}" for name in rules["aten"]} | {f"prim::{name}" for name in rules["graph"]}
    seen: set[str] = set()
    for part_name, part in module.named_modules():
        for method in part._c._method_names():
            # Parts of one class share their methods.
            if (key := f"{part._c._type().qualified_name()}.{method}") not in seen:
                seen.add(key)
                _refuse_graph(part._c._get_method(method).graph, allowed, f"{place} {part_name or 'network'}.{method}")
    for method in module._c._method_names():
        # With all that it calls, functions too, put in its place.
        _refuse_graph(module._c._get_method(method).inlined_graph, allowed, f"{place} network.{method}")


def _refuse_graph(graph: Any, allowed: Set[str], place: str) -> None:
    for kind in _kinds(graph):
        if kind not in allowed:
            raise UntrustedModel(place, f"the operator {kind}")


def _kinds(graph: Any) -> Iterator[str]:
    todo = [*graph.nodes()]
    while todo:
        node = todo.pop()
        yield node.kind()
        for block in node.blocks():
            todo.extend(block.nodes())


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]
