"""The case list, opening a case, the case page and what is done with the case as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from doudi.core import audit, duties, panels, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.models import AccessRecord
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.protection import queries, services, timeline
from doudi.protection.forms import AccountForm, CloseForm, GapEndForm, GapForm, OpenForm, PlaceCaseForm, ReopenForm
from doudi.protection.models import CaseAssignment, ProtectionCase
from doudi.protection.sections import SECTIONS, may_read, may_write
from doudi.protection.services.base import SUBJECT
from doudi.protection.views import tabs
from doudi.registry.models import Household, Sex
from doudi.registry.queries import age_on

LATE = gettext_lazy("首次到场超时")


class CaseFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), empty_label=gettext_lazy("全部"), method="by_state",
        choices=[
            ("open", gettext_lazy("未结")), ("late", LATE), ("alone", gettext_lazy("无人照料")), ("assess", gettext_lazy("评估超期")), *ProtectionCase.State.choices,
        ],
    )  # fmt: skip
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("紧急程度"), choices=ProtectionCase.Urgency.choices, empty_label=gettext_lazy("全部"))
    level = django_filters.ChoiceFilter(label=gettext_lazy("风险等级"), choices=ProtectionCase.Level.choices, empty_label=gettext_lazy("全部"))
    category = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=ProtectionCase.Category.choices, empty_label=gettext_lazy("全部"))
    who = django_filters.ChoiceFilter(
        label=gettext_lazy("办理"), choices=[("mine", gettext_lazy("我负责的")), ("helping", gettext_lazy("我协办的"))], empty_label=gettext_lazy("全部"), method="by_who"
    )
    number = PrefixFilter(label=gettext_lazy("编号"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = ProtectionCase
        fields: list[str] = []

    def by_state(self, rows: QuerySet[ProtectionCase], name: str, value: str) -> QuerySet[ProtectionCase]:
        open_ = rows.filter(state__in=ProtectionCase.OPEN)
        now = timezone.now()
        special = {
            "open": open_, "late": open_.filter(contacted_at__isnull=True, contact_due__lt=now), "alone": open_.filter(unattended_from__isnull=False),
            "assess": open_.filter(review_due__lt=timezone.localdate(now)),
        }  # fmt: skip
        return special[value] if value in special else rows.filter(state=value)

    def by_who(self, rows: QuerySet[ProtectionCase], name: str, value: str) -> QuerySet[ProtectionCase]:
        me = scopes.current().account_id
        if value == "mine":
            return rows.filter(responsible_id=me)
        return rows.filter(pk__in=CaseAssignment.objects.filter(account_id=me, ends__isnull=True, role="helper").values("case_id"))


def _clock(row: ProtectionCase) -> Any:
    words, colour = queries.clock(row, timezone.now())
    return ui.status_tag(words, colour)


class Cases(ListPage):
    title = gettext_lazy("个案")
    act = "protection.view"
    crumbs = ((gettext_lazy("未成年人保护"), ""),)
    filters = CaseFilter
    order = ("waits", "rank", "contact_due", "id")
    subject = SUBJECT
    template = "protection/cases.html"
    exports = False
    empty_title = gettext_lazy("没有符合条件的个案")
    empty_hint = gettext_lazy("只列出由您办理、待接案和您督导的个案；发现孩子有困难，请登记个案。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: reverse("protection:case", args=[row.pk]), small=lambda row: row.get_source_display()),
        Column(gettext_lazy("未成年人"), queries.name_of, small=lambda row: queries.age(row, timezone.localdate())),
        Column(gettext_lazy("类别"), "get_category_display"),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("紧急程度"), "get_urgency_display", kind="tag", colour=lambda row: queries.URGENCY_COLOURS[row.urgency]),
        Column(gettext_lazy("首次到场"), _clock, sort="contact_due"),
        Column(gettext_lazy("风险等级"), "get_level_display", kind="tag", colour=lambda row: queries.LEVEL_COLOURS.get(row.level, "gray")),
        Column(gettext_lazy("下次评估"), "review_due", kind="due", sort="review_due"),
        Column(gettext_lazy("责任人"), lambda row: row.responsible.name if row.responsible else ""),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.STATE_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[ProtectionCase]:
        return queries.queue()

    def context(self) -> dict[str, Any]:
        return {"figures": queries.figures(timezone.now()), "may_open": duties.may("protection.report")}


@may("protection.report")
def new(request: HttpRequest) -> HttpResponse:
    """Open a case, by itself or from a visit, a lead, a call, a household, a person."""
    found, on = queries.origin(request), timezone.localdate()
    household = Household.objects.filter(pk=found["household"]).first() if found.get("household") else None
    minors = queries.minors_of(household.pk, on) if household else []
    area = household.area if household else found.get("area", "")
    placed = len(area) >= 9
    initial = {name: value for name, value in found.items() if name in ("name", "reported", "urgency") and value}
    if found.get("person") in dict(minors):
        initial["person"] = found["person"]
    form = OpenForm(request.POST or None, minors=minors, placed=placed, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = services.open_case(
                uuid=given["uuid"], minor=form.minor(), category=given["category"], source=found["source"], source_id=found.get("source_id"), urgency=given["urgency"],
                reported=given["reported"], area=given.get("area") or area, unattended=given["unattended"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记 %(number)s，%(due)s 前应有人见到孩子。") % {"number": row.number, "due": ui.day(row.contact_due)})
            return redirect("protection:case", case_id=row.pk) if duties.may("protection.view") else redirect("dashboard")
    where = places.path(area, above=4) if area else []
    context = {"form": form, "household": household, "place": "".join(where) if placed else "", "source": ProtectionCase.Source(found["source"]).label}
    return render(request, "protection/new.html", context, status=422 if form.errors else 200)


def found_case(case_id: int) -> ProtectionCase:
    """The case if it is the officer's; 404 else, in the same way as for one that does not exist."""
    row = ProtectionCase.objects.select_related("responsible", "opened_by", "closed_by").filter(pk=case_id).first()
    if row is None:
        raise Http404
    return row


@require_GET
@may("protection.view")
def case(request: HttpRequest, case_id: int) -> HttpResponse:
    return page(request, case_id, request.GET.get("tab", ""), {})


def page(request: HttpRequest, case_id: int, tab: str, refused: dict[str, Any], problem: str = "") -> HttpResponse:
    """The case page on one of its tabs; `refused`: forms that were sent and refused, by name. Its opening is recorded, with the tab."""
    row, now = found_case(case_id), timezone.now()
    duty, here = scopes.current().duty, reverse("protection:case", args=[row.pk])
    own = [each for each in tabs.TABS.values() if not each.section or may_read(each.section, duty)]
    others = panels.tabs("protection_case")
    if tab not in {each.code for each in own} and tab not in others:
        tab = ""
    audit.record_access(what="open", subject=SUBJECT, subject_id=row.pk, area=row.area, field=tab)
    shown = [(each.label, f"{here}?tab={each.code}" if each.code else here, each.code == tab) for each in own]
    shown += [(label, f"{here}?tab={code}", code == tab) for code, label in others.items()]
    current = tabs.TABS.get(tab)
    words, colour = queries.clock(row, now)
    context = {
        "row": row, "tab": tab, "tabs": shown, "current": current, "name": row.name or _("姓名不详"), "age": queries.age(row, timezone.localdate(now)),
        "state_colour": queries.STATE_COLOURS[row.state], "urgency_colour": queries.URGENCY_COLOURS[row.urgency],
        "level_colour": queries.LEVEL_COLOURS.get(row.level, ""), "clock": words, "clock_colour": colour, "may_contact": _open(row) and may_write("visits", duty),
        "may_take": row.state == "intake" and duties.may("protection.handle") and duty in ("protection_worker", "child_supervisor"),
        **(current.loader(request, row, now, refused) if current else {}),
    }  # fmt: skip
    context["problem"] = problem or " ".join(error for form in refused.values() for error in form.non_field_errors())
    bad = problem or any(form.errors for form in refused.values())
    return render(request, "protection/case.html", context, status=422 if bad else 200)


def _open(row: ProtectionCase) -> bool:
    return row.state in ProtectionCase.OPEN


def _figures(row: ProtectionCase, spans: list[timeline.Span], now: datetime) -> list[dict[str, Any]]:
    """The row of figures over a case, as the picture has it."""
    alone, gap = timeline.gap_time(spans, timeline.CARE, now), timeline.gap_time(spans, timeline.GUARDIAN, now)
    contacts = [each for each in row.contacts.all() if each.state == "done"]
    due = next((each for each in row.contacts.all() if each.state == "due"), None)
    on = timezone.localdate(now)
    days = (row.review_due - on).days if row.review_due else None
    face = sum(each.how not in ("phone", "video") for each in contacts)
    first = timeline.words(row.contacted_at - row.opened_at) if row.contacted_at else queries.clock(row, now)[0]
    figures: list[dict[str, Any]] = [
        {"label": _("首次到场"), "value": first, "note": _("时限 %(due)s") % {"due": ui.day(row.contact_due)}},
        {"label": _("无人照料"), "value": timeline.words(alone) if alone else "0", "bad": bool(alone), "note": _("仍无人照料") if row.unattended_from else ""},
        {"label": _("监护缺失"), "value": timeline.words(gap) if gap else "0", "bad": bool(gap), "note": _("尚未结束") if _gap_runs(spans, timeline.GUARDIAN) else ""},
    ]  # fmt: skip
    if may_read("visits", scopes.current().duty):
        note = _("当面 %(face)d 次") % {"face": face} + (_("，下次 %(day)s") % {"day": f"{due.due:%m-%d}"} if due else "")
        figures.append({"label": _("跟踪回访"), "value": len(contacts), "unit": _("次"), "note": note})
    value = _("未定") if days is None else _("%(n)d 天后") % {"n": days} if days >= 0 else _("超期 %(n)d 天") % {"n": -days}
    figures.append({"label": _("下次评估"), "value": value, "bad": days is not None and days < 0, "note": ui.day(row.review_due) if row.review_due else ""})
    return figures


def _gap_runs(spans: list[timeline.Span], line: str) -> bool:
    return any(span.line == line and span.kind == "gap" and span.ends is None for span in spans)


def overview(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    """The first tab: figures, the two lines, who works on it, what is next, who sees what, what happened."""
    duty, on = scopes.current().duty, timezone.localdate(now)
    spans = timeline.spans_of(row, now)
    marks: list[timeline.Mark] = []
    if may_read("visits", duty):
        for each in row.contacts.all():
            if each.state == "done" and each.done_at:
                marks.append(timeline.Mark(each.done_at, str(each.get_state_display()), True))
            elif each.state == "due":
                marks.append(timeline.Mark(timeline.on_day(each.due), _("%(day)s 回访") % {"day": f"{each.due:%m-%d}"}, False))
    if row.review_due and _open(row):
        marks.append(timeline.Mark(timeline.on_day(row.review_due), _("%(day)s 评估") % {"day": f"{row.review_due:%m-%d}"}, False))
    assigned = list(row.assignments.filter(ends__isnull=True).select_related("account", "made_by").order_by("role", "starts"))
    assign = duties.may("protection.assign") and _open(row)
    child: list[tuple[Any, ...]] = [
        (_("姓名"), row.name or _("不详")), (_("性别、年龄"), "，".join(each for each in (str(Sex(row.sex).label) if row.sex else "", queries.age(row, on)) if each)),
        (_("出生日期"), row.birth_date), (_("所在地"), ui.area_name(row.area)), (_("类别"), row.get_category_display()), (_("来源"), row.get_source_display()),
        (_("登记"), f"{row.opened_by.name if row.opened_by else _('公开页面')}　{ui.day(row.opened_at)}"),
    ]  # fmt: skip
    if row.birth_date:
        left = (timeline.on_day(_birthday(row)) - now) if age_on(row.birth_date, on) >= 17 else timedelta(days=999)
        if left < timedelta(days=180):
            child.append((_("满 18 周岁"), ui.due(_birthday(row))))
    gap_ends = [
        (gap, refused.get(f"gap_end_{gap.kind}") or GapEndForm(initial={"kind": gap.kind}, prefix=gap.kind))
        for gap in row.gaps.filter(ends__isnull=True)
    ]  # fmt: skip
    working = _open(row) and duties.may("protection.handle")
    able = services.able(row, now, responsible=True) if assign else []
    helpers = services.able(row, now, responsible=False) if assign and row.state != "intake" else []
    held = {each.account_id for each in assigned}
    return {
        "figures": _figures(row, spans, now), "picture": timeline.draw(row, spans, marks, now), "lines": timeline.as_list(spans),
        "legend": [(css, label) for css, label in timeline.KINDS.values()], "assigned": assigned, "child": child, "reported": row.reported,
        "reports": list(row.reports.order_by("received_at")[:20]),
        "matrix": queries.matrix(), "events": queries.events(row), "gap_ends": gap_ends if working else [], "seen": _seen(row, now),
        "hand": refused.get("hand") or (AccountForm(able=[pair for pair in able if pair[0] != row.responsible_id], prefix="hand") if assign else None),
        "help": refused.get("help") or (AccountForm(able=[pair for pair in helpers if pair[0] not in held], prefix="help") if helpers else None),
        "gap": refused.get("gap") or (GapForm(prefix="gap") if working else None),
        "place": refused.get("place") or (PlaceCaseForm(prefix="place") if assign and len(row.area) < 12 else None),
        "close": refused.get("close") or (CloseForm(prefix="close") if duties.may("protection.close") and row.state in ("assessing", "following") else None),
        "reopen": refused.get("reopen") or (ReopenForm(prefix="reopen") if duties.may("protection.close") and row.state == "closed" else None),
        "may_release": assign,
    }  # fmt: skip


def _birthday(row: ProtectionCase) -> Any:
    """The day of the eighteenth birthday; who was born on 29 February reaches it on 1 March."""
    assert row.birth_date is not None
    year = row.birth_date.year + 18
    try:
        return row.birth_date.replace(year=year)
    except ValueError:
        return row.birth_date.replace(year=year, month=3, day=1)


def _seen(row: ProtectionCase, now: datetime) -> str:
    """How often the case was opened lately, and by how many."""
    recent = AccessRecord.objects.filter(subject=SUBJECT, subject_id=row.pk, at__gte=now - timedelta(days=7))
    found = list(recent.values_list("account_id", flat=True)[:1000])
    return _("最近 7 天查看 %(n)d 次，%(people)d 人，均有记录。") % {"n": len(found), "people": len(set(found))}


def log(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    """Who opened the case, when, which part; for whoever answers for it and for supervisors."""
    rows = AccessRecord.objects.filter(subject=SUBJECT, subject_id=row.pk).order_by("-at")[:100]
    names = _names({each.account_id for each in rows})
    parts = {section.code: section.label for section in SECTIONS.values()}  # forms that were opened by themselves
    labels = parts | {each.code: each.label for each in tabs.TABS.values()} | panels.tabs("protection_case")
    return {"opened": [(each, names.get(each.account_id, _("系统")), labels.get(each.field, each.field)) for each in rows]}


def _names(accounts: set[int]) -> dict[int, str]:
    from doudi.core.models import Account

    return dict(Account.objects.filter(pk__in=accounts).values_list("pk", "name"))


tabs.add(tabs.Tab("", gettext_lazy("概况"), "", overview, "protection/_overview.html"))


def _steps(post: Any, row: ProtectionCase, now: datetime) -> dict[str, tuple[forms.Form | None, Any]]:
    """act -> (form, call with the cleaned form)."""
    able = services.able(row, now, responsible=True)
    helpers = services.able(row, now, responsible=False)
    kind = next((each for each in ("alone", "guardian") if f"{each}-kind" in post), "alone")
    account = post.get("account", "")
    return {
        "take": (None, lambda given, form: services.take(**given)),
        "hand": (AccountForm(post, able=able, prefix="hand"), lambda given, form: services.hand_on(**given, account_id=form["account"], reason=form["reason"])),
        "help": (AccountForm(post, able=helpers, prefix="help"), lambda given, form: services.add_helper(**given, account_id=form["account"], reason=form["reason"])),
        "release": (None, lambda given, form: services.release_helper(**given, account_id=int(account) if account.isascii() and account.isdigit() and len(account) < 18 else 0)),
        "place": (PlaceCaseForm(post, prefix="place"), lambda given, form: services.place(**given, area=form["area"])),
        "gap": (GapForm(post, prefix="gap"), lambda given, form: services.begin_gap(**given, **form)),
        "gap_end": (GapEndForm(post, prefix=kind), lambda given, form: services.end_gap(**given, **form)),
        "close": (CloseForm(post, prefix="close"), lambda given, form: services.close_case(**given, **form)),
        "reopen": (ReopenForm(post, prefix="reopen"), lambda given, form: services.reopen_case(**given, **form)),
    }  # fmt: skip


@require_POST
@may("protection.view")
def act(request: HttpRequest, case_id: int) -> HttpResponse:
    """One step of the case as a whole; the service says what stands against it."""
    row, now, post = found_case(case_id), timezone.now(), request.POST
    name = post.get("act", "")
    steps = _steps(post, row, now)
    if name not in steps:
        raise Http404
    form, call = steps[name]
    key = f"gap_end_{form.prefix}" if name == "gap_end" and form is not None else name
    if form is not None and not form.is_valid():
        return page(request, case_id, "", {key: form})
    text = post.get("version", "")
    given = {"case_id": row.pk, "version": int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1, "now": now}
    try:
        call(given, form.cleaned_data if form is not None else {})
    except ValidationError as error:
        if form is not None:
            errors_into(form, error)
            return page(request, case_id, "", {key: form})
        return page(request, case_id, "", {}, " ".join(error.messages))
    messages.success(request, _("已办理。"))
    still = ProtectionCase.objects.filter(pk=row.pk).exists()  # who hands a case on does not see it any more
    return redirect("protection:case", case_id=row.pk) if still else redirect("protection:cases")


