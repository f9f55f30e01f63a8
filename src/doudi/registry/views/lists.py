"""Lists: households, people, moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.batch import idnumber
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.registry import queries
from doudi.registry.models import Household, MoveRequest, Person, Programme


class SearchFilter(django_filters.FilterSet):
    """One box for name, pinyin, initials, ID number, phone; and the place."""

    q = django_filters.CharFilter(label=_("姓名、拼音、证件号、电话"), method="search")
    area = AreaFilter(label=_("地区"))

    def search(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(pk__in=queries.households(value, on=timezone.localdate(), area=self.data.get("area", "")).values("pk"))


class HouseholdFilter(SearchFilter):
    programme = django_filters.ChoiceFilter(
        label=_("在享待遇"), choices=[*Programme.choices, ("none", _("没有在享待遇"))], empty_label=_("全部"), method="running"
    )

    class Meta:
        model = Household
        fields: list[str] = []

    def running(self, rows: QuerySet[Household], _name: str, value: str) -> QuerySet[Household]:
        return rows.filter(pk__in=queries.households(on=timezone.localdate(), programme=value).values("pk"))


class PersonFilter(SearchFilter):
    class Meta:
        model = Person
        fields: list[str] = []

    def search(self, rows: QuerySet[Person], _name: str, value: str) -> QuerySet[Person]:
        return queries.people(value, area=self.data.get("area", ""))


def few_letters(request: HttpRequest) -> bool:
    """Whether so few letters were typed that the list may leave people out."""
    return 0 < len(queries.letters(request.GET.get("q", ""))) < 4


class Households(ListPage):
    title = _("救助家庭")
    act = "registry.view"
    filters = HouseholdFilter
    order = ("area", "name", "id")
    template = "registry/households.html"
    subject = "household"
    columns: Sequence[Column] = [
        Column(_("户主"), lambda row: queries.shown_name(row.name), url=lambda row: reverse("registry:household", args=[row.pk]), drawer=True),
        Column(_("户编号"), "number"),
        Column(_("村（社区）"), "area", kind="area"),
        Column(_("户口性质"), "get_residence_display"),
        Column(_("人数"), "size", kind="number"),
        Column(_("在享待遇"), lambda row: queries.programme_words(row.programmes), kind="tag", colour=lambda row: "green"),
    ]

    def rows(self) -> QuerySet[Household]:
        return queries.with_summary(Household.objects.all(), timezone.localdate())

    def context(self) -> dict[str, Any]:
        few = few_letters(self.request)
        return {"may_edit": duties.may("registry.edit"), "may_import": duties.may("registry.import"), "few_letters": few, "most": queries.MOST}


class People(ListPage):
    title = _("人员查询")
    act = "registry.view"
    crumbs = ((_("救助家庭"), "/households/"),)
    filters = PersonFilter
    order = ("name", "id")
    template = "registry/people.html"
    subject = "person"
    columns: Sequence[Column] = [
        Column(_("姓名"), lambda row: queries.shown_name(row.name), url=lambda row: reverse("registry:person", args=[row.pk]), drawer=True),
        Column(_("性别"), "get_sex_display"),
        Column(_("出生日期"), "birth_date", kind="day"),
        Column(_("证件号码"), lambda row: idnumber.mask_id(queries.plain_number(row.token)[1]) if queries.plain_number(row.token)[0] != 6 else ""),
        Column(_("村（社区）"), "area", kind="area"),
        Column(_("死亡日期"), "died_on", kind="day"),
    ]

    def rows(self) -> QuerySet[Person]:
        return Person.objects.all()

    def context(self) -> dict[str, Any]:
        return {"few_letters": few_letters(self.request), "most": queries.MOST}


STATES = {"asked": _("待转出地同意"), "released": _("已同意，待办结"), "refused": _("不同意"), "done": _("已办结")}


def move_state(row: MoveRequest) -> str:
    return "done" if row.done_at else "refused" if row.refused_reason else "released" if row.released_at else "asked"


class Moves(ListPage):
    title = _("家庭转移")
    act = "registry.release"
    crumbs = ((_("救助家庭"), "/households/"),)
    order = ("-asked_at", "id")
    template = "registry/moves.html"
    subject = "move"
    columns: Sequence[Column] = [
        Column(
            _("家庭"),
            lambda row: queries.shown_name(row.household_name),
            url=lambda row: reverse("registry:move", args=[row.pk]),
            drawer=True,
        ),
        Column(_("转出地"), "from_area", kind="area"),
        Column(_("转入地"), "to_area", kind="area"),
        Column(_("转入后首月"), lambda row: f"{row.first_month:%Y-%m}"),
        Column(_("申请时间"), "asked_at", kind="day"),
        Column(_("转出地办理期限"), lambda row: row.due if move_state(row) == "asked" else None, kind="due"),
        Column(_("方向"), lambda row: _("转入") if scopes.current().covers(row.to_area) else _("转出")),
        Column(
            _("状态"), lambda row: STATES[move_state(row)], kind="tag",
            colour=lambda row: {"asked": "orange", "released": "", "refused": "red", "done": "green"}[move_state(row)],
        ),
    ]  # fmt: skip

    def rows(self) -> QuerySet[MoveRequest]:
        return queries.moves()

    def context(self) -> dict[str, Any]:
        return {"may_ask": duties.may("registry.move")}
