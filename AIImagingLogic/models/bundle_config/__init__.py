"""Configurations of MONAI bundles are read by an interpreter of our own, which knows a small safe part of them."""
