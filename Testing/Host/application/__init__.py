"""Stand-ins for what the application adds to `slicer`: the application itself, modules, messages, parameter nodes."""
