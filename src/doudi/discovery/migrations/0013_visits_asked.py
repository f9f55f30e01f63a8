"""Visits that the township asks for, and why one was asked for or cancelled."""

from django.db import migrations, models

import doudi.core.fields


class Migration(migrations.Migration):
    dependencies = [("discovery", "0012_visits_guards")]
    operations = [
        migrations.AddField(
            model_name="visit",
            name="reason",
            field=models.CharField(blank=True, help_text="why it was asked for or cancelled", max_length=200),
        ),
        migrations.AlterField(
            model_name="visit",
            name="origin",
            field=doudi.core.fields.CodeField(
                choices=[("plan", "走访计划"), ("again", "再次上门"), ("asked", "乡镇安排"), ("own", "计划外")], db_collation="C", max_length=6
            ),
        ),
        migrations.RunSQL("grant update (reason) on discovery_visit to doudi_app", migrations.RunSQL.noop),
    ]
