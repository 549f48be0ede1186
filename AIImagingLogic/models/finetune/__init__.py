"""Learning from corrections: corrected cases collected on this computer, and a network adapted on them."""
