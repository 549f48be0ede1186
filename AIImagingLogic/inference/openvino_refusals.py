"""Networks that OpenVINO does not run as PyTorch does, remembered as long as the process lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from AIImagingLogic.inference.network import Network

_reasons: dict[tuple[str, tuple[int, ...]], str] = {}


class NotConvertible(Exception):  # noqa: N818 - the run goes on without OpenVINO
    """OpenVINO cannot run the network, or not as PyTorch does; the message says why, in one sentence.

    Parameters
    ----------
    reason : the message
    lasting : whether it would be so again

    Attributes
    ----------
    values : torch float32, what PyTorch gave of the window by which the network was checked; None: it was not asked
    """

    def __init__(self, reason: str, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting
        self.values: Any = None


def remember_refusal(network: Network, window_shape: Sequence[int], reason: NotConvertible) -> None:
    """Keep why a network with a content hash is not run by OpenVINO on windows of a shape (1, channels, *window)."""
    if network.content_hash and reason.lasting:
        _reasons[network.content_hash, tuple(window_shape)] = str(reason)


def known_refusal(network: Network, window_shape: Sequence[int]) -> str | None:
    """Return why an earlier run gave OpenVINO up on windows of a shape (1, channels, *window); None: none did."""
    return _reasons.get((network.content_hash, tuple(window_shape)))


def forget_refusals() -> None:
    """Let every network be tried again."""
    _reasons.clear()
