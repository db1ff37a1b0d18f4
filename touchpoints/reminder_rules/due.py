"""What a rule of the reminders yields."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Due:
    """Something due: the cause keeps it from being said twice; `due_on` is the practice's date."""

    cause: str
    member_id: int
    due_on: date
    reason: str
    provider_id: int | None = None
    office_id: int | None = None
    referral_id: int | None = None
    thank_you_list_id: int | None = None
