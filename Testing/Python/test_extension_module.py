"""The scripted modules of the extension: files, panel, imports."""

from __future__ import annotations

import ast
import struct
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent for path in (ROOT / "AIImaging").glob("*/CMakeLists.txt"))
SHARED = ROOT / "AIImaging" / "AIImagingLib"
# What a module may import while Slicer starts: Slicer's own, the standard library, its own folder, the shared parts.
HOST_PACKAGES = {"slicer", "vtk", "qt", "ctk", "SegmentEditorEffects", SHARED.name}

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda folder: folder.name)


def _scripts(module: Path) -> list[Path]:
    return sorted(module.rglob("*.py"))


def _ui(module: Path) -> ElementTree.Element:
    return ElementTree.parse(module / "Resources" / "UI" / f"{module.name}.ui").getroot()


def _widget_classes(module: Path) -> dict[str, str]:
    return {widget.get("name"): widget.get("class") for widget in _ui(module).iter("widget")}


def test_there_is_a_module():
    assert "AIFollowUp" in [module.name for module in MODULES]


@each_module
def test_module_has_its_script_panel_and_icon(module):
    assert (module / f"{module.name}.py").is_file()
    assert _ui(module).find("class").text == module.name
    icon = (module / "Resources" / "Icons" / f"{module.name}.png").read_bytes()
    width, height = struct.unpack(">II", icon[16:24])
    assert icon.startswith(b"\x89PNG") and (width, height) == (128, 128)


@each_module
def test_every_script_and_resource_of_the_folder_is_installed(module):
    listed = (module / "CMakeLists.txt").read_text().replace("${module}", module.name).split()
    for path in [*_scripts(module), *(module / "Resources").rglob("*.*")]:
        assert path.relative_to(module).as_posix() in listed


@pytest.mark.parametrize("module", [*MODULES, SHARED], ids=lambda folder: folder.name)
def test_nothing_but_slicer_is_imported_while_slicer_starts(module):
    own = {path.stem for path in module.iterdir() if path.is_dir() or path.suffix == ".py"}
    for script in _scripts(module):
        tree = ast.parse(script.read_text(encoding="utf-8"), str(script))
        for node in _run_at_import(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
            for name in names:
                assert name.split(".")[0] in HOST_PACKAGES | own | set(sys.stdlib_module_names), (
                    f"{script.name}: {name}"
                )


@each_module
def test_every_widget_that_the_code_uses_is_in_the_panel(module):
    widgets = _widget_classes(module)
    used = set()
    for script in _scripts(module):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self.ui":
                used.add(node.attr)
    assert used and used <= set(widgets)


@each_module
def test_panel_declares_its_custom_widgets_and_gives_every_mrml_widget_the_scene(module):
    widgets = _widget_classes(module)
    declared = {entry.find("class").text for entry in _ui(module).iter("customwidget")}
    assert {kind for kind in widgets.values() if not kind.startswith("Q")} == declared
    connected = {
        connection.find("receiver").text
        for connection in _ui(module).iter("connection")
        if connection.find("signal").text == "mrmlSceneChanged(vtkMRMLScene*)"
    }
    needing = {name for name, kind in widgets.items() if kind.startswith("qMRML") and kind != "qMRMLWidget"}
    assert connected == needing


@each_module
def test_parameters_of_the_panel_are_parameters_of_the_module(module):
    bound = {
        entry.find("string").text
        for entry in _ui(module).iter("property")
        if entry.get("name") == "SlicerParameterName"
    }
    parameters = module / f"{module.name}Lib" / "parameters.py"
    tree = ast.parse(parameters.read_text(encoding="utf-8") if parameters.is_file() else "")
    declared = {node.target.id for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)}
    assert bound <= declared
    assert bool(bound) == parameters.is_file()  # AI Models keeps nothing in a scene


@each_module
def test_panel_says_research_use(module):
    texts = " ".join(entry.text or "" for entry in _ui(module).iter("string"))
    assert "Research use; not a medical device." in texts


@each_module
def test_packages_are_asked_for_without_pins(module):
    requirements = module / "Resources" / f"{module.name}Requirements.txt"
    if not requirements.is_file():
        pytest.skip("the module asks for no packages")
    for line in requirements.read_text().splitlines():
        if line and not line.startswith("#"):
            assert "==" not in line and not line.startswith(("torch", "numpy"))


def _run_at_import(tree: ast.Module):
    """Yield the import statements that run when a module is imported: all but those inside functions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))
