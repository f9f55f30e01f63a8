"""People who were left out of a callback when it left are counted."""

from django.db import migrations, models

from doudi.core.grants import Protect


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0007_watching_guards'),
    ]

    operations = [
        migrations.AddField(
            model_name='spdcicallback',
            name='left_out',
            field=models.IntegerField(default=0, help_text='people who might not be told of any more when it left'),
        ),
        migrations.AlterField(
            model_name='spdcicallback',
            name='changes',
            field=models.JSONField(help_text='of each event or answer: whom it tells of, to be looked at again when it leaves', null=True),
        ),
        Protect("api_spdcicallback", update=["state", "attempts", "next_at", "error", "sent_at", "message", "changes", "recorded_at", "left_out"]),
    ]
