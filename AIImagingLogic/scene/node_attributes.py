"""The names under which nodes carry what AI Imaging says of them; a saved scene keeps them."""

KIND = "AIImaging.Kind"
MODELS = "AIImaging.Models"
CREATED = "AIImaging.Created"
NOTE = "AIImaging.Note"
CONTENT_HASH = "AIImaging.ContentHash"
CURRENT_FINDING = "AIImaging.CurrentFinding"
FINDING_BOXES = "AIImaging.FindingBoxes"

# References from the point list of a visit to the nodes that belong to it.
BOX_ROLE = "AIImaging.Box"
TABLE_ROLE = "AIImaging.Table"
LESIONS_ROLE = "AIImaging.Lesions"
VOLUME_ROLE = "AIImaging.Volume"

# A segment's tag: the uid of the finding that it outlines.
FINDING_TAG = "AIImaging.Finding"

# Columns of the table of findings that are looked up by their names.
UID_COLUMN = "UID"
REVIEW_COLUMN = "Review"
