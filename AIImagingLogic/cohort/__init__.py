"""Many patients: what was saved of each, together."""
