"""The first signal ends the product in order; no second one disturbs the ending, and none is lost."""

import signal
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked: list[int] = []


def heed_signals() -> None:
    """Turn the first signal to end into KeyboardInterrupt."""
    _asked.clear()
    for number in ENDING:
        signal.signal(number, _interrupt_once)


def raise_if_asked() -> None:
    """Raise KeyboardInterrupt once a signal came.

    Python drops what a handler raises in the middle of a finalizer: whoever waits in a loop asks here too.
    """
    if _asked:
        raise KeyboardInterrupt


def _interrupt_once(number: int, _frame: FrameType | None) -> None:
    for each in ENDING:
        signal.signal(each, lambda number, frame: None)
    _asked.append(number)
    raise KeyboardInterrupt
