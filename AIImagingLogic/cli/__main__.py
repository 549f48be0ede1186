"""`python -m AIImagingLogic.cli`, the same as the command `aiimaging`."""

import sys

from AIImagingLogic.cli import main

if __name__ == "__main__":
    sys.exit(main())
