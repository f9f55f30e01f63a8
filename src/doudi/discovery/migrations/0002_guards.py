"""Row-level security, grants, and the composite keys of leads: open work moves with its people."""

from django.db import migrations

from doudi.core.grants import Protect


class Migration(migrations.Migration):
    dependencies = [("discovery", "0001_initial"), ("registry", "0002_guards")]
    operations = [
        Protect("discovery_delivery"),
        Protect("discovery_comparisonrun", update=["found", "raised", "by_indicator", "finished_at", "deliveries"]),
        Protect(
            "discovery_lead",
            update=["state", "urgency", "contact_due", "verify_due", "contacted_at", "verified_at", "closed_at", "handler_id", "version"],
        ),
        Protect("discovery_leadevent"),
        migrations.RunSQL("create sequence doudi.lead_number; grant usage on sequence doudi.lead_number to doudi_app", migrations.RunSQL.noop),
        migrations.RunSQL(
            [
                "alter table discovery_lead add constraint discovery_lead_person_area foreign key (person_id, area)"
                " references registry_person (id, area) on update cascade deferrable initially deferred",
                "alter table discovery_lead add constraint discovery_lead_household_area foreign key (household_id, area)"
                " references registry_household (id, area) on update cascade deferrable initially deferred",
                "alter table discovery_lead add constraint discovery_lead_id_area unique (id, area)",
                "alter table discovery_leadevent add constraint discovery_leadevent_lead_area foreign key (lead_id, area)"
                " references discovery_lead (id, area) on update cascade deferrable initially deferred",
            ],
            migrations.RunSQL.noop,
        ),
    ]
