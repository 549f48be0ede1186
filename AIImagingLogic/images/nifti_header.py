"""The header of a NIfTI file: how voxels are stored and where they lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MM_PER_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}
_UNIT_NAMES = {1: "metres", 3: "micrometres"}
_LPS = np.array([-1.0, -1.0, 1.0])
# ITK takes sform axes as orthonormal up to about this; what is beyond is shear.
_SHEAR = 1e-3
_DIFFERENT_SHARE = 0.01


@dataclass(frozen=True)
class NiftiGeometry:
    """Spacing (mm), origin (mm, LPS) and direction (9, row-major, LPS; not orthonormal when the file is sheared)."""

    spacing_mm: tuple[float, ...]
    origin_mm: tuple[float, ...]
    direction: tuple[float, ...]


@dataclass(frozen=True)
class NiftiHeader:
    """What is needed of the header.

    Attributes
    ----------
    shape : voxels along i, j, k and on
    dtype : of the stored voxels; None for colours and complex numbers
    offset : of the voxels in a single file
    zooms : pixdim[0..3]: handedness of the qform, spacing in `units`
    quaternion : b, c, d and offsets x, y, z
    sform : (3, 4), RAS, in `units`
    units : NIfTI code: 0 unknown, 1 m, 2 mm, 3 micrometres
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    offset: int
    is_single_file: bool
    slope: float
    intercept: float
    zooms: tuple[float, ...]
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    sform: NDArray[np.float64]
    units: int

    def geometry(self) -> tuple[NiftiGeometry, tuple[str, ...]]:
        """Return the geometry that ITK and Slicer take, and notes where the file contradicts itself.

        Notes
        -----
        ITK takes the sform when its code is 1 (scanner) or no qform is given, provided that its axes are orthonormal;
        else the qform. The spacing is always that of `pixdim`. A sheared sform without a qform, which ITK refuses, is
        returned as it is.
        """
        scale = _MM_PER_UNIT.get(self.units, 1.0)
        spacing = np.array([abs(zoom) or 1.0 for zoom in self.zooms[1:4]])
        notes = [f"The file is in {_UNIT_NAMES[self.units]}, not in mm."] if self.units in _UNIT_NAMES else []
        has_sform = self.sform_code > 0 and bool(np.all(np.linalg.norm(self.sform[:, :3], axis=0) > 0))
        columns, axes, sheared = self._sform_axes() if has_sform else (spacing, np.eye(3), False)
        use_sform = has_sform and (self.qform_code <= 0 or (self.sform_code == 1 and not sheared))
        if use_sform:
            direction, origin = axes, self.sform[:, 3]
            if sheared:
                spacing = columns
            elif np.any(np.abs(columns - spacing) > _DIFFERENT_SHARE * spacing):
                notes.append(
                    f"The sform's spacing ({_shown(columns * scale)} mm) contradicts the header's "
                    f"({_shown(spacing * scale)} mm), which was taken, as Slicer does."
                )
        elif self.qform_code > 0:
            direction, origin = self._qform_axes(), np.array(self.quaternion[3:])
        else:
            # ITK and Slicer take i, j, k as L, P, S then.
            direction, origin = np.diag(_LPS), np.zeros(3)
            notes.append("The file does not say how it lies in the patient: left, posterior, superior was assumed.")
        if has_sform and self.qform_code > 0:
            notes += self._contradiction(axes, sheared, use_sform)
        geometry = NiftiGeometry(
            tuple((spacing * scale).tolist()),
            tuple((origin * _LPS * scale + 0.0).tolist()),
            tuple((direction * _LPS[:, None] + 0.0).ravel().tolist()),
        )
        return geometry, tuple(notes)

    def _sform_axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
        """Return the lengths of the sform's columns, its axes (orthonormal unless sheared), whether it is sheared."""
        lengths = np.linalg.norm(self.sform[:, :3], axis=0)
        axes = self.sform[:, :3] / lengths
        left, _, right = np.linalg.svd(axes)
        sheared = bool(np.abs(axes - left @ right).max() > _SHEAR)
        return lengths, axes if sheared else left @ right, sheared

    def _qform_axes(self) -> NDArray[np.float64]:
        b, c, d = self.quaternion[:3]
        a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
        norm = np.sqrt(a * a + b * b + c * c + d * d)
        a, b, c, d = a / norm, b / norm, c / norm, d / norm
        rotation = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
            ]
        )
        rotation[:, 2] *= -1.0 if self.zooms[0] < 0 else 1.0
        return rotation

    def _contradiction(self, sform_axes: NDArray[np.float64], sheared: bool, used_sform: bool) -> list[str]:
        taken = "sform" if used_sform else "qform"
        if sheared:
            return ["The axes of the sform are not at right angles; the qform was taken, as Slicer does."]
        turn = np.abs(sform_axes - self._qform_axes()).max()
        apart = np.linalg.norm(self.sform[:, 3] - self.quaternion[3:])
        if turn <= _DIFFERENT_SHARE and apart <= _DIFFERENT_SHARE * max(self.zooms[1:4]):
            return []
        return [f"sform and qform place the image differently; the {taken} was taken, as Slicer does."]


def parse_header(content: bytes) -> NiftiHeader:
    """Read the header from the first bytes of a file.

    Raises
    ------
    ValueError
        It is no NIfTI header, or breaks off.
    """
    try:
        return _parsed(content)
    except (struct.error, IndexError) as error:
        raise ValueError("The NIfTI header breaks off.") from error


def _parsed(content: bytes) -> NiftiHeader:
    order = "<" if struct.unpack("<i", content[:4])[0] in (348, 540) else ">"
    second = struct.unpack(f"{order}i", content[:4])[0] == 540

    def field(first_at: int, first: str, second_at: int, other: str) -> tuple[Any, ...]:
        return struct.unpack_from(order + (other if second else first), content, second_at if second else first_at)

    dim = field(40, "8h", 16, "8q")
    if not 1 <= dim[0] <= 7 or any(n < 1 for n in dim[1 : dim[0] + 1]):
        raise ValueError("The NIfTI dimensions make no sense.")
    # Fewer than three axes: the rest have length 1.
    shape = (*dim[1 : dim[0] + 1], *([1] * max(0, 3 - dim[0])))
    code = _DTYPES.get(field(70, "h", 12, "h")[0])
    magic = content[4:7] if second else content[344:347]
    rows = [field(280, "12f", 400, "12d")[start : start + 4] for start in (0, 4, 8)]
    return NiftiHeader(
        shape=tuple(int(n) for n in shape),
        dtype=np.dtype(order + code) if code else None,
        offset=max(int(field(108, "f", 168, "q")[0]), 540 if second else 348),
        is_single_file=magic.startswith(b"n+"),
        slope=_finite(field(112, "f", 176, "d")[0]),
        intercept=_finite(field(116, "f", 184, "d")[0]),
        zooms=field(76, "4f", 104, "4d"),
        qform_code=field(252, "h", 344, "i")[0],
        sform_code=field(254, "h", 348, "i")[0],
        quaternion=field(256, "6f", 352, "6d"),
        sform=np.array(rows, dtype=np.float64),
        units=field(123, "B", 500, "i")[0] & 7,
    )


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _shown(values: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
