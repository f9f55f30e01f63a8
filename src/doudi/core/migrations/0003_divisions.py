"""The divisions that ship with the package."""

from django.db import migrations

from doudi.core import divisions


def load(apps, schema_editor):
    divisions.load(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("core", "0002_protect")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
