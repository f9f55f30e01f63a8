"""What every service of the registry shares: duty, one transaction, constraints turned into words, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, ProgrammingError, connection, models, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.registry.models import Person

P = ParamSpec("P")
R = TypeVar("R")


class Stale(ValidationError):
    """Another officer changed the record since the page was read (HTTP 409)."""

    def __init__(self) -> None:
        super().__init__(_("这条记录刚被他人修改，您的修改没有保存；请刷新页面，核对后重新填写。"), code="stale")


class Duplicate(ValidationError):
    """A person who is or may be registered already. `people`: those of the scope; `same_number`: certain, cannot be confirmed away."""

    def __init__(self, message: str, people: list[Person], *, same_number: bool) -> None:
        super().__init__({"id_number" if same_number else "name": message}, code="duplicate")
        self.people, self.same_number = people, same_number


class ManagedElsewhere(ValidationError):
    """The number is held by a person whom another area manages; more only by a recorded look-up or a move."""

    def __init__(self, field: str | None = None) -> None:
        message = _("此人已由其他地区管理，不能在本地重复登记；请填写事由查询外地救助情况，或申请将其家庭转入。")
        super().__init__({field: message} if field else message, code="elsewhere")


# constraint -> what it means to an officer
WORDS: dict[str, str | Promise] = {
    "membership_one_household": gettext_lazy("“家庭成员”在这段时间已属于另一个家庭；请先在原家庭办理转出，再加入本家庭。"),
    "membership_dates": gettext_lazy("“结束日期”必须晚于加入家庭的日期；请核对后重新填写。"),
    "registry_membership_person_id_area": gettext_lazy("“家庭成员”由其他村（社区）管理；请先办理家庭转入，再加入本家庭。"),
    "registry_membership_household_id_area": gettext_lazy("家庭已转到其他地区管理；请刷新页面后重试。"),
    "registry_fact_person_id_area": gettext_lazy("人员已转到其他地区管理；请刷新页面后重试。"),
    "registry_fact_household_id_area": gettext_lazy("家庭已转到其他地区管理；请刷新页面后重试。"),
    "fact_person_now": gettext_lazy("同一项信息刚由他人登记，您的修改没有保存；请刷新页面，核对后重新填写。"),
    "fact_household_now": gettext_lazy("同一项信息刚由他人登记，您的修改没有保存；请刷新页面，核对后重新填写。"),
    "move_one_open": gettext_lazy("这个家庭已有一件办理中的转移申请；请先办结。"),
    "move_two_officers": gettext_lazy("转移须由另一名工作人员同意；不能由申请人自己同意。"),
}


@contextmanager
def explained() -> Iterator[None]:
    """A savepoint whose broken constraints become ValidationErrors; what has no words stays an error of the program."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
        if name not in WORDS:
            raise
        raise ValidationError(str(WORDS[name]), code=name) from None
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") == "42501" and "row-level security" in str(error):
            raise ValidationError(_("所在地区不在您的管辖范围内；请选择本辖区的村（社区）。"), code="area") from None
        raise


def service(act: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A business action: the acting duty may do `act`, one transaction, all constraints checked at its end."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            duties.require(act)
            with explained():
                result = function(*args, **kwargs)
                scopes.check_constraints()
            return result

        return run

    return decorate


def changed(model: type[models.Model], pk: int, version: int, **values: Any) -> None:
    """Update one row if it still has the version that the page showed; raises Stale (also where it is not visible any more)."""
    manager: Any = model._default_manager
    if not manager.filter(pk=pk, version=version).update(version=version + 1, **values):
        raise Stale


def village(code: str, field: str = "area") -> str:
    """A village of the acting scope that exists today, else ValidationError."""
    if len(code) != 12 or not scopes.current().covers(code):
        raise ValidationError({field: _("“村（社区）”不在您的管辖范围内；请在列表中重新选择。")}, code="area")
    if not Division.objects.filter(code=code, ends__isnull=True).exists():
        raise ValidationError({field: _("没有这个“村（社区）”，或该区划已撤销；请在列表中重新选择。")}, code="area")
    return code


def next_id(table: str) -> int:
    """The id that a row of this table is going to have."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(%s::regclass)", [f"doudi.{table}_id_seq"])
        return int(cursor.fetchone()[0])


def collected(errors: dict[str, list[str] | str]) -> None:
    """Raise what was found, all fields at once."""
    if errors:
        raise ValidationError(errors)
