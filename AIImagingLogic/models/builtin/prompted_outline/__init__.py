"""Outlines one object from what a person shows of it, without learning."""
