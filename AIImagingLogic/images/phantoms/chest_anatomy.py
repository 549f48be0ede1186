"""One person at baseline: lungs, vessels, airways and nodules, before any scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from AIImagingLogic.images.phantoms.branching_tree import airways_beside, grow_tree
from AIImagingLogic.images.phantoms.lung_map import LEFT, RIGHT, LungMap, lung_map
from AIImagingLogic.images.phantoms.nodule_placement import clear_of_nodules, place_nodules
from AIImagingLogic.images.phantoms.nodule_shape import NoduleShape
from AIImagingLogic.images.phantoms.recipe import PairRecipe
from AIImagingLogic.images.phantoms.thorax import CARINA, LEFT_HILUM, RIGHT_HILUM, TRACHEA, TRACHEA_RADIUS_MM
from AIImagingLogic.images.phantoms.tubes import Tubes, joined

_TIP_DEPTH_MM = 3.5
_HILUM_MM = 12.0
_VEIN_ROOT_SHIFT_MM = np.array([0.0, 4.0, -16.0])
_MAIN_BRONCHUS_RADIUS_MM = 6.2
_MAIN_WALL_MM = 1.5


@dataclass(frozen=True)
class ChestAnatomy:
    """What is inside the chest, LPS mm at baseline.

    Attributes
    ----------
    vessels : arteries and veins of both lungs
    airways, lumen_mm : outer surface; inner radius of each piece
    shapes, sides : of each nodule of the recipe, at its first visit
    """

    lungs: LungMap
    vessels: Tubes
    airways: Tubes
    lumen_mm: NDArray[np.float64]
    shapes: tuple[NoduleShape, ...]
    sides: tuple[str, ...]

    def third(self, index: int) -> str:
        """Return the third of the lung's height that nodule `index` lies in."""
        low, high = self.lungs.height_range(self.sides[index])
        share = (self.shapes[index].center_mm[2] - low) / (high - low)
        return ("lower", "middle", "upper")[int(np.clip(3 * share, 0, 2))]


def chest_anatomy(recipe: PairRecipe) -> ChestAnatomy:
    """Grow the trees and place the nodules of a recipe."""
    lungs = lung_map(recipe.physique)
    random = np.random.default_rng([recipe.seed, 1])
    arteries, veins, airways, lumens = [], [], [_central_airways()], [_central_airways().radius_mm - _MAIN_WALL_MM]
    for side, hilum in ((RIGHT, RIGHT_HILUM), (LEFT, LEFT_HILUM)):
        root = np.array(hilum) * [recipe.physique.width, recipe.physique.depth, 1]
        outward = np.array([np.sign(root[0]), 0.0, 0.0])
        tips = lungs.points_between(side, _TIP_DEPTH_MM, np.inf, recipe.vessel_tips, random)
        artery = _inside(grow_tree(root, outward, tips, random), root, lungs)
        tips = lungs.points_between(side, _TIP_DEPTH_MM, np.inf, recipe.vessel_tips, random)
        arteries.append(artery)
        vein_root = root + _VEIN_ROOT_SHIFT_MM
        veins.append(_inside(grow_tree(vein_root, outward, tips, random), vein_root, lungs))
        airway, lumen = airways_beside(artery, random)
        airways.append(airway)
        lumens.append(lumen)
    vessels, tubes = joined([*arteries, *veins]), joined(airways)
    lumen_mm = np.concatenate(lumens)
    shapes, sides = place_nodules(recipe.nodules, lungs, vessels, tubes, np.random.default_rng([recipe.seed, 2]))
    vessels = vessels.kept(clear_of_nodules(vessels, recipe.nodules, shapes))
    clear = tubes.with_ancestors(clear_of_nodules(tubes, recipe.nodules, shapes))
    return ChestAnatomy(lungs, vessels, tubes.kept(clear), lumen_mm[clear], tuple(shapes), tuple(sides))


def _inside(tree: Tubes, root: NDArray[np.float64], lungs: LungMap) -> Tubes:
    """Return the tree with what strays into heart or chest wall drawn back into the lung, but for its root's piece."""

    def drawn(points: NDArray[np.float64]) -> NDArray[np.float64]:
        at_root = np.linalg.norm(points - root, axis=1) < _HILUM_MM
        return np.where(at_root[:, None], points, lungs.drawn_inside(points, _TIP_DEPTH_MM - 1))

    return replace(tree, start=drawn(tree.start), end=drawn(tree.end))


def _central_airways() -> Tubes:
    """Return the windpipe and the main bronchi."""
    points = [*TRACHEA]
    start = np.array([points[0], points[1], CARINA, CARINA])
    end = np.array([points[1], CARINA, RIGHT_HILUM, LEFT_HILUM])
    radii = np.array([TRACHEA_RADIUS_MM, TRACHEA_RADIUS_MM, _MAIN_BRONCHUS_RADIUS_MM, _MAIN_BRONCHUS_RADIUS_MM])
    return Tubes(start, end, radii + _MAIN_WALL_MM, np.array([-1, 0, 1, 1]))
