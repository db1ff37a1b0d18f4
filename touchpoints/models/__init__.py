from touchpoints.models.feedback import Feedback, FeedbackIssue, FeedbackRequest
from touchpoints.models.meeting_invitations import MeetingInvitation
from touchpoints.models.meetings import Attendee, Gift, GiftLimit, GiftReturn, GiftShare, Meeting
from touchpoints.models.reminders import Reminder, RuleSetting, StandIn
from touchpoints.models.return_referrals import ReturnReferral
from touchpoints.models.stationery import Stationery
from touchpoints.models.thank_yous import ThankYou, ThankYouList, ThankYouReferral
from touchpoints.models.touchpoints import Touchpoint

__all__ = [
    "Attendee",
    "Feedback",
    "FeedbackIssue",
    "FeedbackRequest",
    "Gift",
    "GiftLimit",
    "GiftReturn",
    "GiftShare",
    "Meeting",
    "MeetingInvitation",
    "Reminder",
    "ReturnReferral",
    "RuleSetting",
    "StandIn",
    "Stationery",
    "ThankYou",
    "ThankYouList",
    "ThankYouReferral",
    "Touchpoint",
]
