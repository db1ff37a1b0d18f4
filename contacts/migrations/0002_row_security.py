from django.db import migrations

from practices.isolation import row_security


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial"), ("practices", "0002_row_security")]

    operations = [
        row_security(
            "contacts_specialty",
            "contacts_office",
            "contacts_officecontact",
            "contacts_provider",
            "contacts_provideroffice",
            "contacts_referral",
            "contacts_referralstep",
        )
    ]
