"""Model packages of the field's formats, read as data: one file a format, each gives a `LoadedPackage`."""
