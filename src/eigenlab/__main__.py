"""``python -m eigenlab`` is the command line."""

import sys

from eigenlab.cli import main

sys.exit(main())
