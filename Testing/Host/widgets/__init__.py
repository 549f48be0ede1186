"""Stand-ins for the widgets of CTK and Slicer: PySide6 classes with the C++ classes' properties, signals and slots."""
