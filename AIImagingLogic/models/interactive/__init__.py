"""Interactive models that the user brought: nnInteractive, VISTA3D and DeepEdit, behind the protocol of a refiner."""
