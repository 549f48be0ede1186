"""How the weights that travel with the program are made."""
