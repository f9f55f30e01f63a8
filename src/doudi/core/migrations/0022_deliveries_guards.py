"""What is noted of a message on its way; an administrator enters an officer's mail address."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0021_deliveries")]
    operations = [
        migrations.RunSQL(
            [
                "grant update (claimed, round, gateway_number, parts, reported_at) on core_message to doudi_app",
                "grant update (mail) on core_account to doudi_app",
            ],
            migrations.RunSQL.noop,
        )
    ]
