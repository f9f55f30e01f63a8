"""Drafts of organisations: a public session writes those of its own organisation alone, and reads nobody else's."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect

PUBLIC = "current_setting('app.duty', true) in ('volunteer', 'organisation')"
OWN = "nullif(current_setting('app.organisation', true), '')::bigint"


class Migration(migrations.Migration):
    dependencies = [("volunteering", "0013_proposed")]
    operations = [
        Protect(
            "volunteering_activity", update=["title", "words", "place", "phone", "skills", "minors", "state", "state_reason", "version"],
            read=f"{RANGE} and (not {PUBLIC} or state <> 'proposed' or organisation_id = {OWN})",
            write=f"{RANGE} and (not {PUBLIC} or state = 'proposed' and organisation_id = {OWN})",
        ),
    ]
