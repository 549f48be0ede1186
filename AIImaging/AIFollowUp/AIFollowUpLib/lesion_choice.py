"""Where the lesions of a visit come from: drawn in the scene, a DICOM report, the detector; or there are none."""

from dataclasses import dataclass

DRAWN, REPORT, DETECTOR, NONE = "drawn", "report", "detector", "none"
"""Values of `records.given_lesions.LesionSource`."""


@dataclass(frozen=True)
class LesionChoice:
    """What was chosen for a visit.

    Attributes
    ----------
    source : `DRAWN`, `REPORT`, `DETECTOR` or `NONE`
    nodes : that hold the lesions, in the scene's order
    report : path of a DICOM SR; it is not kept with the scene: a scene travels, and folders name people
    """

    source: str = DRAWN
    nodes: tuple = ()
    report: str = ""

    @property
    def complete(self):
        """Whether nothing is still to be chosen."""
        return bool({DRAWN: self.nodes, REPORT: self.report}.get(self.source, True))


def proposed_choice(volume):
    """Return the choice of what was drawn on a volume, as far as the scene says so."""
    from AIImagingLogic.scene.follow_up_sources import proposed_sources

    return LesionChoice(nodes=tuple(proposed_sources(volume)))
