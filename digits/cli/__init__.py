"""What all our commands do alike in a terminal: end on Ctrl-C, end what they started, and say no more than asked."""

import os

VERBOSE = "DIGITSVERBOSE"


def is_verbose() -> bool:
    """Say whether the caller wants to see all there is: `make up VERBOSE=1`."""
    return bool(os.environ.get(VERBOSE))
