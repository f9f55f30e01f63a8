"""Running migrations as doudi_owner."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.commands import migrate as command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import field_is_referenced
from django.db.models import NOT_PROVIDED

from doudi.core import keystate
from doudi.core.home import SetupError


class State(ProjectState):
    """Django's state of all models while migrations run, rendering less.

    For each new model, field, index and constraint Django renders every model anew that is related by any number of steps, here nearly all of them: three
    quarters of the time of a new database. On PostgreSQL these operations read from the state before them no more than the table's name, so the
    classes may stay the same ones and be told what is new; relations to a new model are found through their registry.

    Where a model changes otherwise, Django renders its neighbours and theirs as well. Here it alone is rendered; its neighbours keep the class from before
    until a migration works with rows, for which Django renders all models anew where the state says that it lags behind (`is_delayed`). A change that the
    tables of others feel (a key that they refer to, another name) gives the classes up: they are rendered at the next need.
    """

    _relations: dict[Any, Any] | None

    def add_model(self, model_state: ModelState) -> None:
        key = model_state.app_label, model_state.name_lower
        if key in self.models or "apps" not in self.__dict__:
            super().add_model(model_state)
            return
        self.models[key] = model_state
        if self._relations is not None:
            self.resolve_model_relations(key)
        self.apps.render_multiple([model_state])

    def add_field(self, app_label: str, model_name: str, name: str, field: Any, preserve_default: bool) -> None:
        if "apps" not in self.__dict__:
            super().add_field(app_label, model_name, name, field, preserve_default)
            return
        if not preserve_default:
            field = field.clone()
            field.default = NOT_PROVIDED
        key = app_label, model_name
        self.models[key].fields[name] = field
        if self._relations is not None:
            self.resolve_model_field_relations(key, name, field)
        self.apps.get_model(app_label, model_name).add_to_class(name, field.clone())
        self.apps.clear_cache()

    def alter_field(self, app_label: str, model_name: str, name: str, field: Any, preserve_default: bool) -> None:
        key = app_label, model_name
        if "apps" not in self.__dict__ or field.many_to_many or field_is_referenced(self, key, (name, field)):
            super().alter_field(app_label, model_name, name, field, preserve_default)
            return
        apps = self.__dict__.pop("apps")
        super().alter_field(app_label, model_name, name, field, preserve_default)
        self.__dict__["apps"] = apps
        self.reload_model(app_label, model_name, delay=True)

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" not in self.__dict__:
            return
        if not delay:
            del self.__dict__["apps"]
            return
        self.is_delayed = True
        self.apps.unregister_model(app_label, model_name)
        self.apps.render_multiple([self.models[app_label, model_name]])

    def reload_models(self, models: Any, delay: bool = True) -> None:
        self.__dict__.pop("apps", None)

    def _append_option(self, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
        """Indexes and constraints: the class is told, as `Options` tells it."""
        options = self.models[app_label, model_name].options
        options[option_name] = [*options[option_name], obj]
        if "apps" in self.__dict__:
            meta = self.apps.get_model(app_label, model_name)._meta
            setattr(meta, option_name, meta._format_names(options[option_name]))
            meta.original_attrs[option_name] = options[option_name]


class Executor(MigrationExecutor):
    def _migrate_all_forwards(self, state: ProjectState, *args: Any, **options: Any) -> ProjectState:
        return super()._migrate_all_forwards(State(state.models, state.real_apps), *args, **options)  # type: ignore[misc]


def migrate(*, verbosity: int = 1) -> None:
    """Bring the database to the state of the code. Raises SetupError without a connection as owner."""
    if "owner" not in connections.settings:
        raise SetupError("缺少属主连接：请设置环境变量 DATABASE_OWNER_URL（角色 doudi_owner）后重试；建库脚本见 doudi init --print-sql。")
    command.MigrationExecutor = Executor  # type: ignore[attr-defined]  # the command has no setting for it
    call_command("migrate", database="owner", verbosity=verbosity, interactive=False)
    with connections["owner"].cursor() as cursor:
        keystate.record(cursor)
    connections["owner"].close()


def pending() -> list[str]:
    """Migrations of the code that the database does not have yet."""
    executor = MigrationExecutor(connections["default"])
    return [f"{migration.app_label}.{migration.name}" for migration, _back in executor.migration_plan(executor.loader.graph.leaf_nodes())]
