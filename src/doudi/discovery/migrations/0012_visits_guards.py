"""Rights and keys of visits: open work moves with its household; a place's plan is read below it too."""

from django.db import migrations

from doudi.core.grants import RANGE, Protect


class Migration(migrations.Migration):
    dependencies = [("discovery", "0011_visits"), ("registry", "0003_moves")]
    operations = [
        Protect("discovery_visitplan", read=f"({RANGE}) or starts_with(current_setting('app.lo', true), area)"),
        Protect(
            "discovery_visit",
            update=[
                "due",
                "urgent",
                "posting_id",
                "state",
                "version",
                "missed_on",
                "escalated",
                "escalated_on",
                "closed_at",
                "uuid",
                "based_on",
                "done_at",
                "received_at",
                "recorder_id",
                "paper",
                "met",
                "living",
                "needs",
                "medicine_days",
                "health",
                "income",
                "note",
                "witness",
                "next_on",
                "lead_id",
                "found_id",
                "groups",
            ],
        ),
        Protect("discovery_visitconflict", update=["replaced", "state", "resolver_id", "resolved_at", "note"]),
        migrations.RunSQL(
            [
                "alter table discovery_visit add constraint discovery_visit_household_area foreign key (household_id, area)"
                " references registry_household (id, area) on update cascade deferrable initially deferred",
                "alter table discovery_visit add constraint discovery_visit_id_area unique (id, area)",
                "alter table discovery_visitconflict add constraint discovery_visitconflict_visit_area foreign key (visit_id, area)"
                " references discovery_visit (id, area) on update cascade deferrable initially deferred",
            ],
            migrations.RunSQL.noop,
        ),
    ]
