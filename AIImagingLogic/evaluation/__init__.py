"""Agreement of results with truth: overlap and detection metrics."""
