"""A head with known blood as a CT scanner shows it."""
