"""Changes of an outline at the press of a button: grown, cut, filled between slices, smoothed to the edge."""
