"""Where the package that computes lies: installed beside the modules, or in their source tree."""

import importlib.util
import sys
from pathlib import Path

PACKAGE = "AIImagingLogic"


def make_logic_package_importable() -> None:
    """Put the source tree on Python's path when modules were added from it (Edit > Application Settings > Modules).

    Nothing is imported, and nothing changes where the package is installed.
    """
    if importlib.util.find_spec(PACKAGE) is not None:
        return
    for folder in Path(__file__).resolve().parents:
        if (folder / PACKAGE / "__init__.py").is_file():
            sys.path.append(str(folder))
            return
