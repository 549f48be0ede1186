"""The layout that compares two visits: a row a visit, three planes in each. The data are Resources/display."""

from __future__ import annotations

from typing import Any

from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.scene.slice_views import singleton

_VIEW = """\
   <item><view class="vtkMRMLSliceNode" singletontag="{tag}">
    <property name="orientation" action="default">{plane}</property>
    <property name="viewlabel" action="default">{letters}</property>
    <property name="viewcolor" action="default">{colour}</property>
    <property name="viewgroup" action="default">{group}</property>
   </view></item>
"""


def layout_rows() -> list[dict[str, Any]]:
    """Return the rows of the layout: ``name``, ``letter``, ``view_group`` and its ``views``.

    A view has ``tag`` (its layout name), ``plane``, ``letters`` and ``colour``.
    """
    rules = load_resource("display/compare_layout.json")
    return [
        {
            **row,
            "views": [
                {
                    "tag": f"{row['name']}{plane['name']}",
                    "plane": plane["name"],
                    "letters": row["letter"] + plane["letter"],
                    "colour": plane["colour"],
                }
                for plane in rules["planes"]
            ],
        }
        for row in rules["rows"]
    ]


def layout_xml() -> str:
    """Return the layout as Slicer's layout node reads it."""
    rows = []
    for row in layout_rows():
        views = "".join(_VIEW.format(group=row["view_group"], **view) for view in row["views"])
        rows.append(f'  <item><layout type="horizontal">\n{views}  </layout></item>\n')
    return f'<layout type="vertical">\n{"".join(rows)}</layout>\n'


def show_layout(scene: Any) -> int:
    """Switch to the layout. Returns the number of the one that was shown before."""
    number: int = load_resource("display/compare_layout.json")["layout_id"]
    node = singleton(scene, "vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
    before: int = node.GetViewArrangement()
    text = layout_xml()
    if not node.IsLayoutDescription(number):
        node.AddLayoutDescription(number, text)
    elif node.GetLayoutDescription(number) != text:
        node.SetLayoutDescription(number, text)
    node.SetViewArrangement(number)
    return before


def show_layout_number(scene: Any, number: int) -> None:
    """Switch back to a layout of Slicer's."""
    singleton(scene, "vtkMRMLLayoutNode", "vtkMRMLLayoutNode").SetViewArrangement(number)
