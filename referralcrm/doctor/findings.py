"""What a look found: fine, worth a look, or wrong; and what mends it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    LOOK = "look at this"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line: no patient, address, password or key stands in it."""

    level: Level
    says: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.level:<13} {self.says}" + (f"  → {self.mend}" if self.mend else "")


def ok(says: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, says)


def look(says: str, mend: str) -> Finding:
    """It works, and will not for long, or not for everybody."""
    return Finding(Level.LOOK, says, mend)


def wrong(says: str, mend: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(Level.WRONG, says, mend)


Check = Callable[[], Finding]


def looked(checks: Iterable[Check]) -> list[Finding]:
    """Look at each; one that can't be looked at is wrong and keeps nobody from the next."""
    return [_looked(check) for check in checks]


def _looked(check: Check) -> Finding:
    try:
        return check()
    except Exception as error:
        what = getattr(check, "func", check).__name__.replace("_", " ")
        return wrong(f"{what}: could not be looked at ({type(error).__name__})", "see the lines above first")
