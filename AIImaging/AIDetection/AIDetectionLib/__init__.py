"""What the module AI Detection is made of: its panel, its logic and its parameters."""
