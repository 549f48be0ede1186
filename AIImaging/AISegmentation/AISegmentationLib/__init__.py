"""What the module AI Segmentation is made of: its panel, its logic and its parameters."""
