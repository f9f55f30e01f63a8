"""A need that is told again may be more urgent than it was."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("needs", "0003_register")]
    operations = [migrations.RunSQL("grant update (urgency) on needs_need to doudi_app", migrations.RunSQL.noop)]
