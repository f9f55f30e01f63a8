"""Members who joined by a change of an award that comes to its end (a gradual exit, a confirmation for a time) end with it: left open, they would keep
the person from any other award afterwards."""

from django.db import migrations

ENDS = """
update enrolment_awardmember m set ends = a.ends from enrolment_award a
where a.id = m.award_id and not m.void and not a.void and m.starts < a.ends and (m.ends is null or m.ends > a.ends)
"""


class Migration(migrations.Migration):
    dependencies = [("enrolment", "0024_no_index_twice")]
    operations = [migrations.RunSQL(ENDS, migrations.RunSQL.noop)]
