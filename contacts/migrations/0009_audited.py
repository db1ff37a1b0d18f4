from django.db import migrations

from practices.audit_triggers import audited


class Migration(migrations.Migration):
    dependencies = [("contacts", "0008_how_they_were_told"), ("practices", "0007_audit_trail")]

    operations = [
        audited("contacts_office", "contacts_provider", derived=("search",)),
        # What is said of the patient, though it stands in clear.
        audited("contacts_referral", hidden=("payer", "source_number")),
        audited(
            "contacts_specialty",
            "contacts_officecontact",
            "contacts_provideroffice",
            "contacts_referralstep",
            "contacts_merge",
            "contacts_notadouble",
        ),
    ]
