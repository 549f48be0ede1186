"""Reading, checking, resampling and describing images; phantoms with known truth. Geometry is LPS millimetres."""
