"""The kinds of table that findings are written as; apart, so that the command line need not import what writes them."""

FULL, ANNOTATIONS, CANDIDATES, MARKS = "full", "annotations", "candidates", "marks"
KINDS = (FULL, ANNOTATIONS, CANDIDATES, MARKS)
