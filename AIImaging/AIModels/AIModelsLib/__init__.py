"""What the module AI Models is made of: its sections, its logic and its repairs."""
