"""Whether the web server was asked to end: known to its master and all its processes."""

import mmap

# Shared by what is forked after this module was loaded: gunicorn's master loads it with its configuration.
_flag = mmap.mmap(-1, 1)


def begin() -> None:
    """From now on `/readyz` answers 503, while everything else is still answered."""
    _flag[0] = 1


def is_draining() -> bool:
    return _flag[0] == 1
