"""Learning-free engines that ship with AI Imaging; each has a card in Resources/models."""
