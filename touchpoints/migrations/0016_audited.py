from django.db import migrations

from practices.audit_triggers import audited


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0015_who_had_a_reminder_before"), ("practices", "0007_audit_trail")]

    operations = [
        # What is said of the patient, though it stands in clear.
        audited("touchpoints_returnreferral", hidden=("zip_code", "language", "payer")),
        audited(
            "touchpoints_touchpoint",
            "touchpoints_thankyoulist",
            "touchpoints_thankyou",
            "touchpoints_thankyoureferral",
            "touchpoints_reminder",
            "touchpoints_rulesetting",
            "touchpoints_meeting",
            "touchpoints_attendee",
            "touchpoints_meetinginvitation",
            "touchpoints_gift",
            "touchpoints_giftlimit",
            "touchpoints_giftreturn",
            "touchpoints_giftshare",
            "touchpoints_feedbackrequest",
            "touchpoints_feedback",
            "touchpoints_feedbackissue",
            "touchpoints_stationery",
        ),
    ]
