"""Row-level security and grants: an assessment is written once and never changed."""

from django.db import migrations

from doudi.core.grants import Open, Protect


class Migration(migrations.Migration):
    dependencies = [("assessment", "0001_initial"), ("registry", "0002_guards")]
    operations = [
        Protect("assessment_assessment"),
        Protect("assessment_assessmentrun", update=["households", "people", "summary", "finished_at"]),
        Open("assessment_settingssnapshot", "select, insert"),
        migrations.RunSQL(
            "create trigger household_is_here after insert on assessment_assessment referencing new table as new_rows"
            " for each statement execute function doudi.household_is_here()",
            "drop trigger household_is_here on assessment_assessment",
        ),
    ]
