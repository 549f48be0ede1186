"""Whether this version runs a model; apart from the card, so that a list costs no more than it needs."""

BUILT_IN = "built-in"
PACKAGE = "package"
NOT_YET = "not yet"
