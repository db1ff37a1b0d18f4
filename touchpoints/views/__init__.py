from touchpoints.views.home import home
from touchpoints.views.people import office, provider
from touchpoints.views.reminders import (
    reminder,
    reminder_dismiss,
    reminder_done,
    reminder_snooze,
    reminders,
)
from touchpoints.views.thank_you_acts import (
    thank_you_call,
    thank_you_card,
    thank_you_cards,
    thank_you_carry,
    thank_you_hand_over,
    thank_you_mailed,
    thank_you_put_back,
    thank_you_row,
    thank_you_skip,
    thank_you_take_back,
    thank_you_written,
)
from touchpoints.views.thank_yous import thank_you, thank_you_week

__all__ = [
    "home",
    "office",
    "provider",
    "reminder",
    "reminder_dismiss",
    "reminder_done",
    "reminder_snooze",
    "reminders",
    "thank_you",
    "thank_you_call",
    "thank_you_card",
    "thank_you_cards",
    "thank_you_carry",
    "thank_you_hand_over",
    "thank_you_mailed",
    "thank_you_put_back",
    "thank_you_row",
    "thank_you_skip",
    "thank_you_take_back",
    "thank_you_week",
    "thank_you_written",
]
