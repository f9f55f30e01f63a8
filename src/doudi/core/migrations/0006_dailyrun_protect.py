"""Rights on daily jobs: figures without people, so those of the whole province are read by everybody with a place."""

from django.db import migrations

from doudi.core.grants import Protect


class Migration(migrations.Migration):
    dependencies = [("core", "0005_dailyrun")]
    operations = [
        Protect("core_dailyrun", update=["attempts", "tried_at", "done_at", "result", "error"], read="coalesce(current_setting('app.lo', true), '') <> ''"),
    ]
