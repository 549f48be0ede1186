"""A small 3D network that points at lung nodules: its grid, its form, its weights, its marks."""
