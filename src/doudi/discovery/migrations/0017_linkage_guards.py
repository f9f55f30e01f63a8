"""Rights and keys of linkage: a pair moves with its person; what was decided stays."""

from django.db import migrations

from doudi.core.grants import Protect


class Migration(migrations.Migration):
    dependencies = [("discovery", "0016_linkage"), ("registry", "0003_moves")]
    operations = [
        Protect(
            "discovery_linkagepair",
            update=["period", "delivery", "row", "score", "levels", "state", "version", "decided_by_id", "decided_at", "due"],
        ),
        Protect("discovery_linkagedecision"),
        Protect("discovery_comparisonrun", update=["found", "raised", "linked", "by_indicator", "finished_at", "deliveries"]),
        migrations.RunSQL(
            [
                "alter table discovery_linkagepair add constraint discovery_linkagepair_person_area foreign key (person_id, area)"
                " references registry_person (id, area) on update cascade deferrable initially deferred",
                "alter table discovery_linkagedecision add constraint discovery_linkagedecision_pair_area foreign key (pair_id, area)"
                " references discovery_linkagepair (id, area) on update cascade deferrable initially deferred",
            ],
            migrations.RunSQL.noop,
        ),
    ]
