"""What a rule of the reminders yields."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Due:
    """Something due: the cause keeps it from being said twice; `due_on` is the practice's date.

    The reason is a sentence that stays true while the cause does: no count of days, no patient.
    """

    cause: str
    member_id: int | None
    due_on: date
    reason: str
    provider_id: int | None = None
    office_id: int | None = None
    referral_id: int | None = None
    thank_you_list_id: int | None = None
