"""Images of stated truth: a chest phantom of two visits, and real CTs made into a follow-up by a known deformation."""
