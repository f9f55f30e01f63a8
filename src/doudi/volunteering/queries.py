"""Reads of organisations, volunteers, activities and hours: lists and figures of the reader's scope."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import scope as scopes
from doudi.volunteering.models import Activity, Credential, Organisation, ServiceRecord, Shift, SignUp, Volunteer
from doudi.volunteering.services.certificates import hours

ORGANISATION_COLOURS = {"pending": "orange", "active": "green", "suspended": "gray", "blacklisted": "red", "ended": "gray"}
VOLUNTEER_COLOURS = {"pending": "orange", "active": "green", "paused": "gray", "blacklisted": "red", "ended": "gray"}
ACTIVITY_COLOURS = {"proposed": "orange", "open": "green", "closed": "orange", "done": "gray", "cancelled": "red"}
SIGNUP_COLOURS = {"signed": "", "waiting": "orange", "attended": "green", "no_show": "red", "withdrawn": "gray", "cancelled": "gray"}
RECORD_COLOURS = {"open": "orange", "done": "green", "void": "gray"}
MOST = 200
# Who checked somebody in or out (`ServiceRecord.By`), under either head.
BY = {
    "self": gettext_lazy("本人"), "organisation": gettext_lazy("组织方"), "officer": gettext_lazy("工作人员"), "need": gettext_lazy("需求办结"),
    "system": gettext_lazy("系统补签退"),
}  # fmt: skip
# Words of `VolunteeringEvent.what`.
WHAT = {
    "registered": gettext_lazy("登记"), "checked": gettext_lazy("审核通过"), "refused": gettext_lazy("审核不通过"), "changed": gettext_lazy("修改资料"),
    "active": gettext_lazy("恢复"), "suspended": gettext_lazy("暂停"), "paused": gettext_lazy("暂停"), "blacklisted": gettext_lazy("列入黑名单"),
    "ended": gettext_lazy("注销、退出"), "credential": gettext_lazy("登记资质"), "credential_ended": gettext_lazy("资质失效"), "verified": gettext_lazy("核验证件"),
    "consent": gettext_lazy("监护人同意"), "consent_withdrawn": gettext_lazy("监护人撤回同意"), "training": gettext_lazy("培训"), "opened": gettext_lazy("发布活动"),
    "shift_added": gettext_lazy("增加班次"), "shift_cancelled": gettext_lazy("取消班次"), "closed": gettext_lazy("停止报名"), "open": gettext_lazy("恢复报名"),
    "cancelled": gettext_lazy("取消活动"), "proposed": gettext_lazy("组织提交活动"), "agreed": gettext_lazy("审核通过，发布"), "sent_back": gettext_lazy("退回活动"),
}  # fmt: skip


def here(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows of the reader's own area, said once more for the index: policies of this room let some of elsewhere through."""
    acting = scopes.current()
    return rows.filter(area__gte=acting.low, area__lt=acting.high)


def taking_part() -> tuple[object, str]:
    """8.1: organisations that take part."""
    return Organisation.objects.filter(state=Organisation.State.ACTIVE).count(), _("家慈善、志愿等组织")


def events(row: Any) -> list[dict[str, Any]]:
    found = row.events.select_related("account").order_by("-id")[:50]
    return [{"at": each.at, "title": WHAT.get(each.what, each.what), "who": each.account.name if each.account else "", "note": each.note} for each in found]


def organisations_for_choice() -> list[tuple[int, str]]:
    """Active organisations that the reader sees, for forms."""
    return list(Organisation.objects.filter(state=Organisation.State.ACTIVE).order_by("name").values_list("pk", "name")[:MOST])


def organisation_figures(on: date) -> list[dict[str, Any]]:
    """Two queries."""
    url = reverse("volunteering:organisations")
    found = here(Organisation.objects.all()).aggregate(
        active=Count("pk", filter=Q(state="active")), pending=Count("pk", filter=Q(state="pending")), on_call=Count("pk", filter=Q(state="active", on_call=True)),
    )  # fmt: skip
    soon = here(Credential.objects.filter(ended_at__isnull=True, expires__lt=on + timedelta(days=30), organisation__state="active")).values("organisation").distinct().count()
    return [
        {"label": _("正常"), "value": f"{found['active']:,}", "unit": _("家"), "url": f"{url}?state=active"},
        {"label": _("应急值守"), "value": f"{found['on_call']:,}", "unit": _("家"), "url": f"{url}?on_call=true"},
        {"label": _("待审核"), "value": f"{found['pending']:,}", "unit": _("家"), "url": f"{url}?state=pending"},
        {"label": _("30 天内有资质到期"), "value": f"{soon:,}", "unit": _("家"), "url": f"{url}?expiring=true"},
    ]


def volunteer_figures(on: date) -> list[dict[str, Any]]:
    """Two queries."""
    url = reverse("volunteering:volunteers")
    found = here(Volunteer.objects.all()).aggregate(active=Count("pk", filter=Q(state="active")), pending=Count("pk", filter=Q(state="pending")))
    since = datetime(on.year, 1, 1, tzinfo=timezone.get_current_timezone())
    year = here(ServiceRecord.objects.filter(state="done", starts__gte=since)).aggregate(minutes=Sum("minutes"), people=Count("volunteer", distinct=True))
    return [
        {"label": _("正常"), "value": f"{found['active']:,}", "unit": _("人"), "url": f"{url}?state=active"},
        {"label": _("待核验证件"), "value": f"{found['pending']:,}", "unit": _("人"), "url": f"{url}?state=pending"},
        {"label": _("今年参加服务"), "value": f"{year['people']:,}", "unit": _("人"), "url": reverse("volunteering:records")},
        {"label": _("今年服务时长"), "value": hours(year["minutes"] or 0), "unit": _("小时"), "url": reverse("volunteering:records")},
    ]


def hours_of(volunteer: Volunteer) -> dict[str, Any]:
    """Finished records of a volunteer within the scope: how many, hours in words."""
    found = volunteer.records.filter(state="done").aggregate(n=Count("pk"), minutes=Sum("minutes"))
    absent = volunteer.signups.filter(state="no_show").count()
    return {"times": found["n"], "hours": hours(found["minutes"] or 0), "absent": absent}


def shifts_of(activity: Activity) -> list[tuple[Shift, list[SignUp], dict[int, ServiceRecord]]]:
    """Shifts of an activity with who signed up (in their order) and what they served; three queries."""
    shifts = list(activity.shifts.order_by("starts", "id"))
    people: dict[int, list[SignUp]] = {shift.pk: [] for shift in shifts}
    for row in SignUp.objects.filter(shift__in=shifts).exclude(state__in=("withdrawn", "cancelled")).select_related("volunteer").order_by("id")[:2000]:
        people[row.shift_id].append(row)
    served: dict[int, dict[int, ServiceRecord]] = {shift.pk: {} for shift in shifts}
    for record in ServiceRecord.objects.filter(shift__in=shifts).exclude(state="void"):
        served[record.shift_id or 0][record.volunteer_id] = record
    return [(shift, people[shift.pk], served[shift.pk]) for shift in shifts]


def open_activities(*, now: datetime, limit: int = 50) -> list[tuple[Activity, list[Shift]]]:
    """Activities that take sign-ups, the next first, with their coming shifts; two queries. Nothing of who signed up."""
    shifts: dict[int, list[Shift]] = {}
    coming = Shift.objects.filter(cancelled_at__isnull=True, starts__gt=now, activity__state="open").select_related("activity__organisation").order_by("starts", "id")
    for shift in coming[: limit * 4]:
        shifts.setdefault(shift.activity_id, []).append(shift)
    return [(found[0].activity, found) for found in list(shifts.values())[:limit]]


def own_signups(shift_ids: list[int]) -> dict[int, SignUp]:
    """shift -> the own sign-up that still stands; for a volunteer's session, which sees no other."""
    return {row.shift_id: row for row in SignUp.objects.filter(shift__in=shift_ids).exclude(state__in=("withdrawn", "cancelled"))}


def own_coming(now: datetime) -> list[SignUp]:
    """What a volunteer has signed up for, until half a day after its end."""
    rows = SignUp.objects.filter(state__in=("signed", "waiting", "attended"), shift__ends__gt=now - timedelta(hours=12), shift__cancelled_at__isnull=True)
    return list(rows.select_related("shift__activity").order_by("shift__starts")[:30])


def host_shifts(organisation_id: int, now: datetime) -> list[Shift]:
    """Shifts of an organisation's activities from yesterday on."""
    rows = Shift.objects.filter(activity__organisation=organisation_id, cancelled_at__isnull=True, ends__gt=now - timedelta(days=1))
    rows = rows.exclude(activity__state__in=("proposed", "cancelled"))
    return list(rows.select_related("activity").order_by("starts", "id")[:60])


def proposals(organisation_id: int) -> list[Activity]:
    """What an organisation drafted and waits for, or got back, the latest first; `returned`: it never was public, `starts`: of its first shift."""
    rows = Activity.objects.filter(organisation=organisation_id, state__in=("proposed", "cancelled"), made_by__isnull=True)
    public = Shift.objects.filter(Q(cancelled_at__isnull=False) | Q(taken__gt=0), activity=OuterRef("pk"))  # calling off cancels the shifts, giving back does not
    first = Shift.objects.filter(activity=OuterRef("pk")).order_by("starts").values("starts")[:1]
    return list(rows.annotate(returned=Q(state="cancelled") & ~Exists(public), starts=Subquery(first)).order_by("-id")[:10])
