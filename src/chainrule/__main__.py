"""`python -m chainrule` does what `chainrule` does."""

import sys

from chainrule.cli import main

if __name__ == "__main__":
    sys.exit(main())
