"""Composite keys that tie people's rows to the area that manages them, row-level security, grants (integrity.md)."""

from django.db import migrations

from doudi.core.grants import Protect


def tie(table: str, column: str, parent: str) -> str:
    """(column, area) refers to (id, area) of the parent, follows its moves, checked at commit."""
    return (
        f"alter table {table} add constraint {table}_{column}_area foreign key ({column}, area) references {parent} (id, area)"
        " on update cascade deferrable initially deferred"
    )


HISTORY = ("registry_householdhistoryevent", "registry_personhistoryevent", "registry_membershiphistoryevent")
END = "({0} >= current_setting('app.lo', true) and {0} < current_setting('app.hi', true))"


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial"), ("core", "0002_protect")]
    operations = [
        migrations.RunSQL(
            [
                tie("registry_membership", "household_id", "registry_household"),
                tie("registry_membership", "person_id", "registry_person"),
                tie("registry_fact", "person_id", "registry_person"),
                tie("registry_fact", "household_id", "registry_household"),
                tie("registry_benefitstatus", "person_id", "registry_person"),
            ],
            migrations.RunSQL.noop,
        ),
        Protect("registry_household", update=["name", "residence", "address", "version"]),
        Protect(
            "registry_person",
            update=[
                "token", "name", "pinyin", "initials", "sex", "birth_date", "died_on", "ethnicity", "registered_area", "residence_area",
                "phone", "account", "bank", "version",
            ],
        ),
        Protect("registry_membership", update=["ends", "relationship"]),
        Protect("registry_fact", update=["superseded_at"]),
        Protect("registry_benefitstatus", insert=False),
        *[Protect(table) for table in HISTORY],
        # one end asks, the other releases; either end sees it
        migrations.RunSQL(
            f"""
            alter table registry_moverequest enable row level security;
            create policy see on registry_moverequest for select to doudi_app using ({END.format('from_area')} or {END.format('to_area')});
            create policy ask on registry_moverequest for insert to doudi_app with check ({END.format('to_area')});
            create policy release on registry_moverequest for update to doudi_app using ({END.format('from_area')});
            grant select, insert (household_id, household_name, from_area, to_area, reason, first_month, asked_by, asked_at, refused_reason) on registry_moverequest to doudi_app;
            grant update (released_by, released_at, refused_reason) on registry_moverequest to doudi_app;
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            # An id alone would refer across areas (a foreign key is checked as the owner): rows that keep the area
            # which decided them are checked once, at insert, under the writer's own scope.
            """
            create function doudi.household_is_here() returns trigger language plpgsql set search_path = doudi, pg_temp as $$
            begin
              if exists (select from new_rows n left join registry_household h on h.id = n.household_id where h.area is distinct from n.area) then
                raise exception 'the household is managed elsewhere' using errcode = 'insufficient_privilege';
              end if;
              return null;
            end $$;
            """,
            "drop function doudi.household_is_here()",
        ),
    ]
