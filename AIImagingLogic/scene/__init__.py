"""Results to and from MRML nodes, scenes and pictures: the only package that imports slicer or vtk."""
