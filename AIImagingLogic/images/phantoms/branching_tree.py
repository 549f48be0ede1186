"""Branching trees that fill a lung: arteries with the airways beside them, and veins between.

References
----------
The recursive bisection of a cloud of supplied points follows Tawhai et al., Ann Biomed Eng 2000;28:793; radii follow
Murray's law (J Gen Physiol 1926;9:835) with the exponent lowered so that the hilar vessels come out as wide as in
people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.images.phantoms.tubes import Points, Tubes

_EXPONENT = 2.35
_TERMINAL_RADIUS_MM = 0.55
_BEND = 0.14
_STIFF_ABOVE_TIPS = 30
_AIRWAY_SHARE = 1.05
_SMALLEST_AIRWAY_MM = 1.3
_WALL_SHARE = 0.28
_WALL_FLOOR_MM = 0.45


def grow_tree(root: Points, direction: Points, supplied: Points, random: np.random.Generator) -> Tubes:
    """Return a tree from `root` (3,) that reaches every point of `supplied` (n, 3), all LPS mm.

    Each branch is bent: two pieces. Terminal radius about 0.6 mm.
    """
    starts: list[Points] = []
    ends: list[Points] = []
    parents: list[int] = []
    children: list[list[int]] = []
    waiting = [(root, direction / np.linalg.norm(direction), supplied, -1)]
    while waiting:
        origin, heading, cloud, parent = waiting.pop()
        target = cloud.mean(0)
        share = 1.0 if len(cloud) == 1 else 0.42
        tip = origin + share * (target - origin)
        length = float(np.linalg.norm(tip - origin))
        if len(cloud) == 1 and length > 22:
            tip = origin + 22 / length * (tip - origin)
            length = 22.0
        bend = _BEND * length * (0.5 if len(cloud) < _STIFF_ABOVE_TIPS else 0.2)
        middle = (origin + tip) / 2 + random.normal(0, bend, 3) + 0.1 * length * heading
        for piece_start, piece_end in ((origin, middle), (middle, tip)):
            starts.append(piece_start)
            ends.append(piece_end)
            parents.append(parent)
            children.append([])
            if parent >= 0:
                children[parent].append(len(starts) - 1)
            parent = len(starts) - 1
        if len(cloud) > 1:
            onward = (tip - middle) / max(float(np.linalg.norm(tip - middle)), 1e-6)
            side = _splits(cloud, tip, onward, random)
            waiting.append((tip, onward, cloud[side], parent))
            waiting.append((tip, onward, cloud[~side], parent))
    radii = _radii(children, random)
    return Tubes(np.array(starts), np.array(ends), radii, np.array(parents))


def airways_beside(arteries: Tubes, random: np.random.Generator) -> tuple[Tubes, NDArray[np.float64]]:
    """Return airways that run beside the wider `arteries`, outer surface, and their inner radii (n,) in mm."""
    outer = arteries.radius_mm * _AIRWAY_SHARE
    kept = arteries.kept(outer >= _SMALLEST_AIRWAY_MM)
    outer = np.minimum(kept.radius_mm * _AIRWAY_SHARE, 6.5)
    offset_start = np.zeros_like(kept.start)
    offset_end = np.zeros_like(kept.end)
    sideways = random.normal(size=3)
    for index, parent in enumerate(kept.parent):
        along = kept.end[index] - kept.start[index]
        along = along / max(float(np.linalg.norm(along)), 1e-6)
        # Carried over from the branch it grows from, so that an airway does not change sides at a fork.
        before = offset_end[parent] if parent >= 0 else sideways
        across = before - (before @ along) * along
        across = across / max(float(np.linalg.norm(across)), 1e-6)
        offset_end[index] = across * (kept.radius_mm[index] + outer[index])
        offset_start[index] = offset_end[parent] if parent >= 0 else offset_end[index]
    wall = np.maximum(outer * _WALL_SHARE, _WALL_FLOOR_MM)
    airways = Tubes(kept.start + offset_start, kept.end + offset_end, outer, kept.parent)
    return airways, outer - np.minimum(wall, 1.6)


def _splits(cloud: Points, tip: Points, heading: Points, random: np.random.Generator) -> NDArray[np.bool_]:
    """Divide a cloud in two by a plane that holds the branch's direction, across the cloud's longest extent."""
    relative = cloud - cloud.mean(0)
    _, _, axes = np.linalg.svd(relative, full_matrices=False)
    across = axes[0] - 0.6 * (axes[0] @ heading) * heading
    along = relative @ across
    limit = np.quantile(along, random.uniform(0.38, 0.62))
    side: NDArray[np.bool_] = along > limit
    if side.all() or not side.any():
        side = np.arange(len(cloud)) < len(cloud) // 2
    return side


def _radii(children: list[list[int]], random: np.random.Generator) -> NDArray[np.float64]:
    """Return radii in mm from the tips inward: the powers of the children's radii add up."""
    radii = np.zeros(len(children))
    for index in range(len(children) - 1, -1, -1):
        if children[index]:
            radii[index] = sum(radii[child] ** _EXPONENT for child in children[index]) ** (1 / _EXPONENT)
        else:
            radii[index] = _TERMINAL_RADIUS_MM * random.uniform(0.85, 1.35)
    return radii
