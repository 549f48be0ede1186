"""AI Imaging: everything that computes. No Qt here; only `scene` knows Slicer."""

__version__ = "0.1.0"
