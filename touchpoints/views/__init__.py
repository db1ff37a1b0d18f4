from touchpoints.views.calendar import calendar, calendar_feed, calendar_revoke
from touchpoints.views.cards import (
    cards_printed,
    thank_you_cards,
    thank_you_put_back,
    week_cards_printed,
)
from touchpoints.views.home import home
from touchpoints.views.people import office, provider
from touchpoints.views.reminders import (
    reminder,
    reminder_dismiss,
    reminder_done,
    reminder_snooze,
    reminders,
)
from touchpoints.views.return_referrals import (
    return_referral,
    return_referral_accepting,
    return_referral_choice,
    return_referral_letter,
    return_referral_need,
    return_referral_new,
    return_referral_step,
    return_referrals,
)
from touchpoints.views.stationery import stationery, stationery_test_sheet
from touchpoints.views.thank_you_acts import (
    thank_you_call,
    thank_you_card,
    thank_you_carry,
    thank_you_hand_over,
    thank_you_mailed,
    thank_you_row,
    thank_you_skip,
    thank_you_take_back,
    thank_you_written,
)
from touchpoints.views.thank_yous import thank_you, thank_you_week
from touchpoints.views.touchpoints import (
    touchpoint,
    touchpoint_done,
    touchpoint_edit,
    touchpoint_new,
    touchpoint_withdraw,
)

__all__ = [
    "calendar",
    "calendar_feed",
    "calendar_revoke",
    "cards_printed",
    "home",
    "office",
    "provider",
    "reminder",
    "reminder_dismiss",
    "reminder_done",
    "reminder_snooze",
    "reminders",
    "return_referral",
    "return_referral_accepting",
    "return_referral_choice",
    "return_referral_letter",
    "return_referral_need",
    "return_referral_new",
    "return_referral_step",
    "return_referrals",
    "stationery",
    "stationery_test_sheet",
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
    "touchpoint",
    "touchpoint_done",
    "touchpoint_edit",
    "touchpoint_new",
    "touchpoint_withdraw",
    "week_cards_printed",
]
