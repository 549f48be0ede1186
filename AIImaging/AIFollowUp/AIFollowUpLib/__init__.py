"""What the module AI Follow-up is made of: its panel, its logic and its parameters."""
