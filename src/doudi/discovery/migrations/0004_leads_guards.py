"""Leads of one household are one piece of work: what stands is merged; rights and keys of the new columns."""

from django.db import migrations, models

from doudi.core.grants import RANGE, Protect

# The village where somebody from elsewhere stays sees the lead as well as the one that manages the household.
STAY = RANGE.replace("area", "residence_area")
SEEN = f"({RANGE}) or ({STAY})"

FILL = """
update discovery_lead set indicator = case when indicator = 'report' then 'officer' else indicator end, channel = case when indicator = 'report' then 'officer' else 'comparison' end,
  merge_key = coalesce('h' || household_id, 'p' || person_id, 'u' || id);
with open as (
  select id, merge_key, first_value(id) over w as root, min(contact_due) over (partition by merge_key) as contact_due,
    min(verify_due) over (partition by merge_key) as verify_due,
    min(case urgency when 'red' then 1 when 'orange' then 2 else 3 end) over (partition by merge_key) as level
  from discovery_lead where state in ('new', 'assigned', 'contacted', 'verified', 'unreachable') window w as (partition by merge_key order by id)
)
update discovery_lead l set merged_into_id = nullif(o.root, l.id), contact_due = o.contact_due, verify_due = o.verify_due,
  urgency = case when o.root = l.id then (array['red', 'orange', 'yellow'])[o.level] else l.urgency end
from open o where o.id = l.id;
update core_todo t set done_at = l.signal_at from discovery_lead l where t.subject = 'lead' and t.subject_id = l.id and t.done_at is null
  and l.merged_into_id is not null;
update discovery_lead set helped_at = closed_at where state = 'helped';
"""


class Migration(migrations.Migration):
    dependencies = [("discovery", "0003_leads_merged")]
    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.UniqueConstraint(
                condition=models.Q(("merged_into__isnull", True), ("state__in", ("new", "assigned", "contacted", "verified", "unreachable"))),
                fields=("merge_key",),
                name="lead_one_open",
            ),
        ),
        migrations.RunSQL(
            "alter table discovery_lead add constraint discovery_lead_merged_area foreign key (merged_into_id, area)"
            " references discovery_lead (id, area) on update cascade deferrable initially deferred",
            migrations.RunSQL.noop,
        ),
        Protect(
            "discovery_lead",
            update=[
                "state", "urgency", "contact_due", "verify_due", "retry_due", "attempts", "escalated", "escalated_on", "contacted_at", "verified_at",
                "helped_at", "closed_at", "handler_id", "posting_id", "residence_area", "person_id", "household_id", "merged_into_id", "merge_key",
                "version",
            ],
            read=SEEN,
            write=SEEN,
        ),
        Protect("discovery_leadevent", read=SEEN, write=SEEN),
    ]
