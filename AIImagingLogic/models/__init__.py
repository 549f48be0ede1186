"""The model catalogue, the protocols that every engine keeps, and the built-in engines."""
