"""The extension's CMake: metadata, and what an installation holds, with a stand-in for Slicer's own CMake."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTED_MODULES = "lib/Slicer-5.12/qt-scripted-modules"

# Only what the extension calls, with the checks and the copying that Slicer's own macros do.
STAND_IN = """
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
"""
STAND_IN_USE_FILE = """
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "@modules@")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "@modules@")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/Empty.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/CPack.cmake")
option(BUILD_TESTING "" ON)
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT MY_NAME)
    message(FATAL_ERROR "Wrong arguments: ${ARGN}")
  endif()
  foreach(file IN LISTS MY_SCRIPTS MY_RESOURCES)
    get_filename_component(folder "${file}" DIRECTORY)
    install(FILES "${file}" DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}/${folder}")
  endforeach()
endmacro()
macro(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  get_filename_component(script "${MY_SCRIPT}" ABSOLUTE)
  if(MY_UNPARSED_ARGUMENTS OR NOT EXISTS "${script}")
    message(FATAL_ERROR "No test script ${script}")
  endif()
endmacro()
"""
STAND_IN_CPACK = """
foreach(file EXTENSION_README_FILE EXTENSION_LICENSE_FILE)
  if(NOT EXISTS "${${file}}")
    message(FATAL_ERROR "${file} does not exist: ${${file}}")
  endif()
endforeach()
"""


def _metadata() -> dict[str, str]:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    values = dict(re.findall(r'^set\((\w+) "(.*)"\)$', text, re.MULTILINE))
    repository = values["AIImaging_REPOSITORY"]
    return {name: value.replace("${AIImaging_REPOSITORY}", repository) for name, value in values.items()}


def test_metadata_is_what_the_catalogue_asks_for():
    metadata = _metadata()
    for name in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert metadata[f"EXTENSION_{name}"]
    for name in ("HOMEPAGE", "ICONURL", "SCREENSHOTURLS"):
        assert metadata[f"EXTENSION_{name}"].startswith("https://")
    icon = metadata["EXTENSION_ICONURL"].partition("/raw/main/")[2]
    assert (ROOT / icon).is_file()
    assert "not a medical device" in metadata["EXTENSION_DESCRIPTION"]
    # CMake takes it for a list, and Slicer's description file would hold its first item only.
    assert not any(";" in value for value in metadata.values())


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the extension's `build` and `installed` trees, made with the stand-in."""
    cmake = shutil.which("cmake", path=str(Path(sys.executable).parent)) or shutil.which("cmake")
    version = re.search(r"(\d+).(\d+)", _output([cmake, "--version"])) if cmake else None
    if version is None or tuple(map(int, version.groups())) < (3, 28):
        pytest.skip("CMake 3.28 or newer is not here.")
    if not (os.environ.get("CC") or shutil.which("cc") or shutil.which("cl")):
        pytest.skip("There is no C compiler, without which CMake takes no project.")
    folder = tmp_path_factory.mktemp("extension")
    stand_in = folder / "Slicer"
    stand_in.mkdir()
    (stand_in / "SlicerConfig.cmake").write_text(STAND_IN)
    (stand_in / "UseSlicer.cmake").write_text(STAND_IN_USE_FILE.replace("@modules@", SCRIPTED_MODULES))
    (stand_in / "CPack.cmake").write_text(STAND_IN_CPACK)
    (stand_in / "Empty.cmake").write_text("")
    _output([cmake, "-S", ROOT, "-B", folder / "build", f"-DSlicer_DIR={stand_in}"])
    _output([cmake, "--build", folder / "build"])
    _output([cmake, "--install", folder / "build", "--prefix", folder / "installed"])
    return folder


def test_every_module_is_installed_with_its_library_and_panel_and_what_they_share(built):
    modules = built / "installed" / SCRIPTED_MODULES
    names = [path.parent.name for path in (ROOT / "AIImaging").glob("*/CMakeLists.txt")]
    for name in names:
        # An effect of the Segment Editor has no panel of its own.
        panel = "SegmentEditorEffect" if name.startswith("SegmentEditor") else "widget"
        for file in (f"{name}.py", f"{name}Lib/{panel}.py", f"Resources/UI/{name}.ui", f"Resources/Icons/{name}.png"):
            assert (modules / file).is_file()
    assert names and (modules / "AIImagingLib" / "task_panel.py").is_file()


@pytest.mark.parametrize("tree", ["build", "installed"])
def test_the_package_and_its_data_lie_beside_the_modules(built, tree):
    modules = built / tree / SCRIPTED_MODULES
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from AIImagingLogic.records.resources import resource_path;"
        "print(resource_path('report/follow_up.html.j2'))"
    )
    found = Path(_output([sys.executable, "-I", "-B", "-c", code, modules]).strip())
    assert found.is_relative_to(modules / "AIImagingLogic")


def test_nothing_that_only_developers_need_is_installed(built):
    names = {path.name for path in (built / "installed").rglob("*")}
    assert "__pycache__" not in names and not any(name.startswith("test_") for name in names)


def _output(command: list[object]) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
