"""Downloaded models on this computer: fetched safely, checked, kept, packed for computers without a network.

Files are kept as they are: nothing here runs, unpickles or interprets what a package holds.
"""

from AIImagingLogic.models.store.whereabouts import installed, installed_sizes

__all__ = ["installed", "installed_sizes"]
