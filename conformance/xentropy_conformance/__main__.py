"""python -m xentropy_conformance: the same as the command xentropy-conformance."""

import sys

from .cli import main

sys.exit(main())
