"""What the module AI Classification is made of: its panel, its logic and its parameters."""
