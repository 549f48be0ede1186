"""A small network that outlines one object from prompts, trained on generated shapes and images."""
