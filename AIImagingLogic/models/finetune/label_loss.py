"""How far a network's output is from corrected labels: cross-entropy and overlap together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AIImagingLogic.inference.recipe import NetworkRecipe

if TYPE_CHECKING:
    import torch

# Keeps the overlap of an absent class from dividing by nothing; in voxels.
_SMOOTH = 1.0


def label_loss(output: torch.Tensor, labels: torch.Tensor, recipe: NetworkRecipe) -> torch.Tensor:
    """Return cross-entropy plus one minus the mean soft Dice of the classes that are there.

    Parameters
    ----------
    output : logits (batch, channels, *window)
    labels : int64 (batch, *window), label values of the recipe
    recipe : says what each channel means

    Notes
    -----
    With sigmoid a later channel covers an earlier one: a voxel with the label of channel n asks channel n to be on
    and the later ones to be off. What lies under it, the earlier channels, is not known from the labels and not asked.

    References
    ----------
    Milletari F, et al. V-Net. 3DV 2016 (soft Dice).
    """
    import torch

    values = torch.tensor(recipe.values, device=labels.device).view(1, -1, *[1] * (labels.dim() - 1))
    wanted = (labels[:, None] == values).float()
    if recipe.output == "softmax":
        known = torch.ones_like(wanted)
        probabilities = output.softmax(1)
        entropy = -(wanted * output.log_softmax(1)).sum(1).mean()
    else:
        # Channels at or after the one that is wanted are known; on background all are.
        known = (wanted.cumsum(1) + (wanted.sum(1, keepdim=True) == 0)).clamp(max=1)
        probabilities = output.sigmoid()
        losses = torch.nn.functional.binary_cross_entropy_with_logits(output, wanted, reduction="none")
        entropy = (losses * known).sum() / known.sum().clamp(min=1)
    foreground = [channel for channel, value in enumerate(recipe.values) if value != 0]
    axes = (0, *range(2, output.dim()))
    found, true = (probabilities * known)[:, foreground], wanted[:, foreground]
    both, sizes, there = (found * true).sum(axes), (found + true).sum(axes), true.sum(axes) > 0
    dice = (2 * both + _SMOOTH) / (sizes + _SMOOTH)
    overlap = dice[there].mean() if bool(there.any()) else dice.new_ones(())
    return entropy + 1 - overlap
