"""Plain synchronous calls: images, model and parameters in, one record out."""
