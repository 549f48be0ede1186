"""The result types that travel between the floors, errors, provenance and coded concepts. Nothing here knows Slicer."""
