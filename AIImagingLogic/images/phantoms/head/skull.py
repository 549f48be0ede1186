"""Skull, face and neck of the head phantom as implicit surfaces: negative inside, about mm near the surface.

Head frame: mm, x to the patient's left, y to the back, z to the crown, 0 amid the cranial cavity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from AIImagingLogic.images.phantoms.implicit_surfaces import (
    Field,
    capsule_chain,
    ellipsoid,
    intersection,
    smooth_step,
    union,
)

INNER_TABLE_MM = (68.0, 84.0, 70.0)
_FORAMEN = ((0.0, 24.0, -48.0), (0.0, 26.0, -130.0))
_FORAMEN_RADIUS_MM = 14.0
_CORD_RADIUS_MM = 6.5


@dataclass(frozen=True)
class SkullSurfaces:
    """Surfaces at the points of a slab; each a field of the same shape."""

    vault: Field
    cavity: Field
    canal: Field
    cord: Field
    bone: Field
    diploe: Field
    head: Field
    spine: Field
    petrous: Field
    orbits: Field
    airways: Field


def skull_surfaces(x: Field, y: Field, z: Field) -> SkullSurfaces:
    """Return the surfaces of skull and neck at points (mm, head frame)."""
    vault = ellipsoid(x, y, z, (0, 0, 0), INNER_TABLE_MM)
    # The floor steps down from the anterior to the posterior fossa.
    floor = -24 - 36 * smooth_step((y + 38) / 62)
    cavity = intersection(vault, np.float32(0.85) * (floor - z), 8.0)
    canal = capsule_chain(x, y, z, _FORAMEN, _FORAMEN_RADIUS_MM)
    thickness = 6.0 + 1.5 * np.sin(y / 23) * np.cos(x / 31)
    bone = cavity - thickness.astype(np.float32)
    mirrored = np.abs(x)
    face = ellipsoid(x, y, z, (0, -40, -58), (58, 52, 50))
    neck = capsule_chain(x, y, z, ((0, 12, -55), (0, 18, -160)), 56.0)
    head = union(union(bone - np.float32(5.0), face, 12.0), neck, 12.0)
    # The first vertebra begins below the occiput: there is a gap of soft tissue between them.
    spine = np.maximum(capsule_chain(x, y, z, ((0, 24, -96), (0, 26, -170)), 23.0), z + 84)
    return SkullSurfaces(
        vault,
        cavity,
        canal,
        capsule_chain(x, y, z, ((0.0, 14.0, -30.0), *_FORAMEN), _CORD_RADIUS_MM),
        bone,
        np.maximum(np.abs(cavity - np.float32(0.5) * thickness.astype(np.float32)) - np.float32(1.2), -z - 5),
        head,
        spine,
        capsule_chain(mirrored, y, z, ((20.0, 0.0, -44.0), (62.0, 24.0, -38.0)), 8.0),
        ellipsoid(mirrored, y, z, (32, -76, -40), (17, 20, 15)),
        ellipsoid(x, y, z, (0, -66, -58), (12, 24, 16)),
    )
