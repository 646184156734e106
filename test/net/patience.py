"""How long a test waits for what must come."""

import os

FACTOR = float(os.environ.get("PATIENCE", "1"))  # more than 1 where all is slow, as under emulation


def of(seconds):
    return seconds * FACTOR
