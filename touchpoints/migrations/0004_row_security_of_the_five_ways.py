from django.db import migrations

from practices.isolation import row_security


class Migration(migrations.Migration):
    dependencies = [("touchpoints", "0003_five_ways")]

    operations = [
        row_security(
            "touchpoints_meeting",
            "touchpoints_attendee",
            "touchpoints_giftlimit",
            "touchpoints_gift",
            "touchpoints_giftshare",
            "touchpoints_returnreferral",
            "touchpoints_feedbackrequest",
            "touchpoints_feedback",
            "touchpoints_feedbackissue",
            "touchpoints_stationery",
        )
    ]
