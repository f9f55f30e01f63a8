"""Rights on what 0012 brought: a contact's history is written once and stays."""

from django.db import migrations

from doudi.core.grants import Protect


class Migration(migrations.Migration):
    dependencies = [("community", "0012_changes")]
    operations = [
        Protect("community_contactchange"),
        migrations.RunSQL(
            [
                "grant update (phone_changes) on community_carecontact to doudi_app",
                "grant update (booked_by_id, closed_by_id) on community_counsellingsession to doudi_app",
                "grant update (files_gone_at) on community_printrun to doudi_app",
            ],
            migrations.RunSQL.noop,
        ),
    ]
