"""Access records for the auditor (查阅记录)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from doudi.core.access_words import field_words, subject_words
from doudi.core.forms import DayInput
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import AccessRecord, AccessSeal, Account, Posting
from doudi.core.templatetags import ui

WHAT = {"open": _("打开"), "reveal": _("查看完整信息"), "lookup": _("跨地区查询"), "export": _("导出"), "refused": _("被拒绝")}
COLOURS = {"open": "gray", "reveal": "orange", "lookup": "purple", "export": "orange", "refused": "red"}


class RecordFilter(django_filters.FilterSet):
    area = AreaFilter(label=_("地区"))
    what = django_filters.ChoiceFilter(label=_("行为"), choices=list(WHAT.items()), empty_label=_("全部"))
    account = django_filters.CharFilter(label=_("账号"), method="by_account")
    since = django_filters.DateFilter(label=_("自"), method="by_since", widget=DayInput())
    until = django_filters.DateFilter(label=_("至"), method="by_until", widget=DayInput())
    subject_id = django_filters.NumberFilter(label=_("对象编号"))

    class Meta:
        model = AccessRecord
        fields: list[str] = []

    def by_account(self, rows: QuerySet[AccessRecord], name: str, value: str) -> QuerySet[AccessRecord]:
        accounts = Account.objects.filter(username=value.strip()) | Account.objects.filter(name=value.strip())
        return rows.filter(account_id__in=list(accounts.values_list("pk", flat=True)[:50]))

    # whole days as moments: a comparison of dates would not use the index on `at`
    def by_since(self, rows: QuerySet[AccessRecord], name: str, value: date) -> QuerySet[AccessRecord]:
        return rows.filter(at__gte=_midnight(value))

    def by_until(self, rows: QuerySet[AccessRecord], name: str, value: date) -> QuerySet[AccessRecord]:
        return rows.filter(at__lt=_midnight(value + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


class AccessRecords(ListPage):
    title = _("查阅记录")
    act = "audit.view"
    crumbs = [(_("系统管理"), "")]
    filters = RecordFilter
    order = ("-at", "-id")
    subject = "access_record"
    template = "doudi/pages/audit.html"
    empty_title = _("没有查阅记录")
    empty_hint = _("查看完整信息、打开个人页面、跨地区查询和导出都会记录在这里。")
    columns = [
        Column(_("时间"), "at", kind="day"),
        Column(_("账号"), "account_name", small=lambda row: ui.duty_name(row.duty)),
        Column(_("行为"), lambda row: WHAT.get(row.what, row.what), kind="tag", colour=lambda row: COLOURS.get(row.what, "")),
        Column(_("对象"), lambda row: subject_words(row.subject, row.subject_id), small=lambda row: field_words(row.field)),
        Column(_("地区"), "area", kind="area"),
        Column(_("事由"), "reason"),
        Column(_("页面"), "page"),
    ]

    def rows(self) -> QuerySet[Any]:
        return AccessRecord.objects.annotate(
            account_name=Subquery(Account.objects.filter(pk=OuterRef("account_id")).values("name")[:1], output_field=CharField()),
            duty=Subquery(Posting.objects.filter(pk=OuterRef("posting_id")).values("duty")[:1], output_field=CharField()),
        )

    def context(self) -> dict[str, Any]:
        return {"seal": AccessSeal.objects.order_by("-last_id").first()}
