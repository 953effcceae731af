"""``python -m backlit`` is the command ``backlit``."""

import sys

from backlit.cli import main

sys.exit(main())
