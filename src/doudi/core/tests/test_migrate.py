"""Migrations: the state that renders less ends where Django's own does, and the tables are what the models declare."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from doudi.core.migrate import State

ID = ("id", models.BigAutoField(primary_key=True))
OPERATIONS = [
    migrations.CreateModel("Home", [ID]),
    migrations.CreateModel(
        "Person",
        [ID, ("home", models.ForeignKey("rooms.Home", models.PROTECT, related_name="people")), ("age", models.IntegerField())],
        {"constraints": [models.CheckConstraint(condition=models.Q(age__gte=0), name="%(class)s_age")]},
    ),
    migrations.CreateModel("Visit", [ID, ("people", models.ManyToManyField("rooms.Person"))]),
    migrations.AddField("Visit", "home", models.ForeignKey("rooms.Home", models.CASCADE, null=True)),
    migrations.AddField("Home", "name", models.TextField(default="家"), preserve_default=False),
    migrations.AddField("Person", "mother", models.ForeignKey("self", models.PROTECT, null=True, related_name="children")),
    migrations.AddIndex("Person", models.Index(fields=["age"], name="person_by_age")),
    migrations.AddConstraint("Person", models.UniqueConstraint(fields=["home", "age"], name="one_of_an_age")),
    migrations.AlterField("Person", "age", models.SmallIntegerField()),
    migrations.AlterField("Person", "home", models.ForeignKey("rooms.Home", models.PROTECT, related_name="people", db_index=False)),
    migrations.AlterField("Home", "id", models.AutoField(primary_key=True)),
    migrations.AddIndex("Home", models.Index(fields=["name"], name="home_by_name")),
    migrations.AlterModelOptions("Home", {"ordering": ["name"]}),
    migrations.RemoveIndex("Home", "home_by_name"),
    migrations.RemoveConstraint("Person", "one_of_an_age"),
    migrations.RenameField("Home", "name", "title"),
    migrations.CreateModel("Pet", [ID, ("owner", models.OneToOneField("rooms.Person", models.CASCADE))]),
    migrations.DeleteModel("Pet"),
    migrations.AlterField("Person", "age", models.IntegerField()),
    migrations.RenameModel("Home", "House"),
    migrations.RemoveField("Visit", "home"),
]


def columns(state: ProjectState) -> dict[str, Any]:
    """What a migration of tables asks the classes of a state."""
    return {
        model._meta.db_table: [(field.column, field.deconstruct()[1:], field.remote_field and field.remote_field.model._meta.db_table) for field in model._meta.local_fields]
        for model in state.apps.get_models(include_auto_created=True)
    }  # fmt: skip


def seen(state: ProjectState) -> dict[str, Any]:
    """What a migration of rows can ask the classes of a state, by model."""
    found = {}
    state = state.clone()
    state.clear_delayed_apps_cache()  # as `RunPython` does
    for model in state.apps.get_models(include_auto_created=True):
        meta = model._meta
        for field in meta.get_fields(include_hidden=True):
            if field.is_relation:
                assert field.related_model is state.apps.get_model("rooms", field.related_model._meta.model_name), (model, field)
        found[meta.model_name] = {
            "fields": [(field.name, field.deconstruct()[1:]) for field in meta.local_fields],
            "relations": sorted(
                (field.name, field.related_model._meta.model_name) for field in meta.get_fields(include_hidden=True) if field.is_relation
            ),
            "constraints": [constraint.deconstruct() for constraint in meta.constraints],
            "indexes": [index.deconstruct() for index in meta.indexes],
            "reverse": sorted(name for name in vars(model) if name in ("people", "children", "pet", "visit_set", "person_set")),
        }
    return found


@pytest.mark.parametrize("related", [False, True], ids=["relations asked for later", "relations known"])
def test_state_of_migrations_ends_where_djangos_does(related: bool) -> None:
    """After each operation, and without rendering too."""
    ours, theirs, unrendered = State(), ProjectState(), State()
    for state in (ours, theirs):
        assert state.apps
        if related:
            assert state.relations == {}
    for operation in OPERATIONS:
        for state in (ours, theirs, unrendered):
            operation.state_forwards("rooms", state)
        assert columns(ours) == columns(theirs), operation.describe()
        assert seen(ours) == seen(theirs), operation.describe()
        assert ours.models == theirs.models == unrendered.models
        assert {key: set(value) for key, value in ours.relations.items()} == {key: set(value) for key, value in theirs.relations.items()}


def test_tables_have_the_columns_constraints_and_indexes_of_the_models(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select attrelid::regclass::text, attname, not attnotnull from pg_attribute where attnum > 0 and not attisdropped")
        columns: dict[str, dict[str, bool]] = {}
        for table, name, null in cursor.fetchall():
            columns.setdefault(table, {})[name] = null
        cursor.execute("select relname from pg_class union select conname from pg_constraint")
        names = {name for (name,) in cursor.fetchall()}
    looked_at, missing = 0, {}
    for model in apps.get_models(include_auto_created=True):
        if not model.__module__.startswith("doudi.") or not model._meta.managed:
            continue
        looked_at += 1
        fields = {field.column: field.null for field in model._meta.local_fields if field.concrete}
        assert columns[model._meta.db_table] == fields, model
        if gone := {each.name for each in (*model._meta.constraints, *model._meta.indexes)} - names:
            missing[model._meta.label] = gone
    assert not missing and looked_at > 100


def test_no_index_begins_as_another(db: None) -> None:
    """Each costs every row that is written. Partial ones stand for themselves; what Django and its libraries declare of their own tables is theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with ours as (
              select x.indexrelid, x.indrelid, x.indisunique, (x.indkey::int[])[0:x.indnkeyatts - 1] as columns,
                     (x.indclass::oid[])[0:x.indnkeyatts - 1] as classes
              from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid join pg_am m on m.oid = i.relam
              where t.relnamespace = 'doudi'::regnamespace and not t.relispartition and m.amname = 'btree' and x.indpred is null and 0 <> all (x.indkey::int[])
                and t.relname !~ '^(account|auth|django|mfa|pghistory|socialaccount)_'
            )
            select a.indexrelid::regclass::text, b.indexrelid::regclass::text from ours a
            join ours b on b.indrelid = a.indrelid and b.indexrelid <> a.indexrelid and b.columns[1:cardinality(a.columns)] = a.columns
             and b.classes[1:cardinality(a.classes)] = a.classes
            where not a.indisunique order by 1
            """
        )
        assert cursor.fetchall() == []
