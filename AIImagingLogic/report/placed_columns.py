"""Which columns of a table say where a finding is, and in which coordinate system."""

from __future__ import annotations

from dataclasses import dataclass

from AIImagingLogic.images.geometry import index_to_world
from AIImagingLogic.records.boxes import Vector
from AIImagingLogic.records.errors import UnreadableImageError
from AIImagingLogic.records.image_info import ImageInfo
from AIImagingLogic.records.resources import load_resource
from AIImagingLogic.report.csv_file import CsvFile, CsvRow

LPS, RAS, VOXEL = "LPS", "RAS", "VOXEL"
SYSTEMS = (LPS, RAS, VOXEL)
# Slicer's .fcsv writes numbers.
_SAID = {"LPS": LPS, "1": LPS, "RAS": RAS, "0": RAS, "IJK": VOXEL, "2": VOXEL, "VOXEL": VOXEL}
_ADVICE = "Say it with --coordinates lps, ras or voxel."


@dataclass(frozen=True)
class PlacedColumns:
    """Three columns and their coordinate system; `info` is of the image where they count voxels (from 0)."""

    columns: tuple[str, str, str]
    system: str
    info: ImageInfo | None
    notes: tuple[str, ...] = ()

    def place_mm(self, row: CsvRow) -> Vector:
        """Return where the finding of a row is: (3,) mm, LPS.

        Raises
        ------
        UnreadableImageError
            A coordinate is missing or no number; file and line are named.
        """
        values = [row.number(column) for column in self.columns]
        x, y, z = values
        if x is None or y is None or z is None:
            missing = self.columns[values.index(None)]
            raise UnreadableImageError(f"{row.where}: no {missing}.", "Correct the line.")
        if self.system == RAS:
            return -x, -y, z
        if self.system == VOXEL and self.info is not None:
            x, y, z = index_to_world(self.info, (x, y, z)).tolist()
        return x, y, z


def placed_columns(table: CsvFile, given: str, info: ImageInfo | None) -> PlacedColumns:
    """Return the columns of the place.

    Parameters
    ----------
    table : an open file
    given : ``lps``, ``ras`` or ``voxel`` as the user says; empty: the names or comments must say it
    info : of the image

    Raises
    ------
    UnreadableImageError
        There are no such columns or two sets of them, the system is not known, or what is stated contradicts itself;
        or voxels are counted and the image is not given.
    """
    system = given.upper()
    found = [
        entry
        for entry in load_resource("findings/csv_columns.json")["places"]
        if all(name in table.columns for name in entry["names"])
    ]
    if system:
        found = [entry for entry in found if _system(entry) == system] or found
    if not found:
        raise UnreadableImageError(
            f"'{table.path}' has no three columns for the place; it has {', '.join(table.columns.values())}.",
            "Name them coordX, coordY, coordZ (mm, LPS), or x, y, z together with --coordinates.",
        )
    if len(found) > 1:
        sets = " and ".join(", ".join(table.columns[name] for name in entry["names"]) for entry in found)
        raise UnreadableImageError(f"'{table.path}' has more than one place: {sets}.", f"Leave one. {_ADVICE}")
    (entry,) = found
    own, said = _system(entry), _SAID.get(table.stated_system.upper(), "")
    if table.stated_system and not said:
        raise UnreadableImageError(
            f"'{table.path}' states the coordinate system '{table.stated_system}', which is not known here.", _ADVICE
        )
    # Names that only follow a convention yield to what is stated; names that say the system do not.
    stated = [each for each in (own if entry.get("by") == "name" else "", said, system) if each]
    if len(set(stated)) > 1:
        raise UnreadableImageError(
            f"'{table.path}' contradicts itself or --coordinates: {' and '.join(dict.fromkeys(stated))}.",
            "Correct the one that is wrong.",
        )
    chosen = stated[0] if stated else own
    columns = (entry["names"][0], entry["names"][1], entry["names"][2])
    if not chosen:
        shown = ", ".join(table.columns[name] for name in columns)
        raise UnreadableImageError(
            f"'{table.path}' does not say in which coordinate system {shown} are: LPS (DICOM, ITK), RAS (Slicer, "
            "NIfTI) or voxels; a wrong guess would mirror every finding.",
            _ADVICE,
        )
    if chosen == VOXEL and info is None:
        raise UnreadableImageError(f"'{table.path}' counts voxels of an image.", "Give the image with --image.")
    note = (f"The columns {', '.join(table.columns[n] for n in columns)} were taken as {chosen}, as stated.",)
    return PlacedColumns(columns, chosen, info if chosen == VOXEL else None, () if chosen == own else note)


def _system(entry: dict[str, str]) -> str:
    return entry["system"].upper()
