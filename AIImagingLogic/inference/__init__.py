"""What models run on: for now, what this computer and its Python offer them, and what is wrong with it."""
