from touchpoints.models.reminders import Reminder
from touchpoints.models.thank_yous import ThankYou, ThankYouList, ThankYouReferral
from touchpoints.models.touchpoints import Touchpoint

__all__ = ["Reminder", "ThankYou", "ThankYouList", "ThankYouReferral", "Touchpoint"]
