"""The number of an online application is made of its id, so the service asks for the id first."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_guards")]
    operations = [migrations.RunSQL("grant usage on sequence portal_onlineapplication_id_seq to doudi_app", migrations.RunSQL.noop)]
