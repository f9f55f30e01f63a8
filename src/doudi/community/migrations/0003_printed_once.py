"""The same form sent twice is one printing."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("community", "0002_guards")]
    operations = [
        migrations.AddField("printrun", "uuid", models.UUIDField(unique=True, default=uuid.uuid4, help_text="of the form: the same form sent twice is one printing"), preserve_default=False),
    ]
