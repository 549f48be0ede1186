"""A network run with little memory: the same values, a few rows at a time, what waits in files."""
