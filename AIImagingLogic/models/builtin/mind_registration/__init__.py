"""Deformable registration in torch, across modalities: self-similarity, dense search, instance optimisation."""
