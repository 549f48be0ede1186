"""What a pickle would import and call, read from its instructions without running one of them."""

from __future__ import annotations

import io
import pickletools
from collections.abc import Set
from dataclasses import dataclass, field

from AIImagingLogic.models.safety.limits import limit
from AIImagingLogic.models.safety.refusals import DOWNLOAD_AGAIN, UnsafeModel

# A size between these can be asked of the system and is larger than any model; above, no system gives it.
_ABSURD_FROM, _ABSURD_BELOW = 2**33, 2**48
_NOT_DATA = {"INST": "makes an object", "OBJ": "makes an object", "NEWOBJ_EX": "makes an object"}
_EXTENSIONS = {"EXT1", "EXT2", "EXT4", "PERSID", "NEXT_BUFFER"}


@dataclass
class PickleContents:
    """What the instructions of one pickle name.

    Attributes
    ----------
    names : full names of what it imports, as ``package.module.Name``
    methods : strings in it, by which methods could be called
    size : of the pickle in bytes, up to and with its STOP
    """

    names: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    size: int = 0


def scan_pickle(data: bytes, place: str, start: int = 0) -> PickleContents:
    """Return what a pickle imports; nothing of it runs.

    Parameters
    ----------
    data : bytes
        Holds the pickle at `start`; what follows its STOP is left alone.
    place : str
        File and member, for messages.

    Raises
    ------
    UnsafeModel
        It is no pickle, imports by a name that is computed, declares an absurd size, or is absurdly long or nested.
    """
    contents = PickleContents()
    stream = io.BytesIO(data)
    stream.seek(start)
    depth = count = 0
    try:
        for operation, argument, _ in pickletools.genops(stream):
            count += 1
            name = operation.name
            if count > limit("pickle_operations"):
                raise UnsafeModel(f"'{place}' has more than {count - 1} instructions.", "Do not use this package.")
            if name == "GLOBAL":
                module, _, attribute = str(argument).partition(" ")
                contents.names.add(f"{module}.{attribute}")
            elif name == "STACK_GLOBAL" or name in _NOT_DATA or name in _EXTENSIONS:
                raise UnsafeModel(
                    f"'{place}' imports or makes objects in a way that cannot be checked ({name}).",
                    "Have its author save it as safetensors.",
                )
            elif name == "MARK":
                depth += 1
                if depth > limit("pickle_depth"):
                    raise UnsafeModel(f"'{place}' is nested too deeply.", "Do not use this package.")
            elif operation.stack_before and pickletools.markobject in operation.stack_before:
                depth -= 1
            elif isinstance(argument, int) and _ABSURD_FROM < argument < _ABSURD_BELOW:
                raise UnsafeModel(f"'{place}' declares an absurd size: {argument}.", "Do not use this package.")
            elif isinstance(argument, str) and len(argument) < 200:
                contents.methods.add(argument)
    except (ValueError, EOFError, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise UnsafeModel(f"'{place}' is not a whole pickle: {error}.", DOWNLOAD_AGAIN) from error
    contents.size = stream.tell() - start
    return contents


def refuse_other_names(contents: PickleContents, allowed: Set[str], place: str) -> None:
    """Refuse a pickle that imports anything but the `allowed` names.

    Raises
    ------
    UnsafeModel
        It does; the first few are named.
    """
    if others := sorted(contents.names - allowed):
        named = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        raise UnsafeModel(
            f"'{place}' would run code when it is opened: it imports {named}.",
            "Weights load as data only. Have its author save the state dict, best as safetensors.",
        )
