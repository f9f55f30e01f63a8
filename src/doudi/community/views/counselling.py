"""Pages of counselling (心理疏导, 7.6): the list, asking for somebody, one session with its steps. What was said is shown to two people, after a record."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Case, F, IntegerField, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, linebreaks
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.community import counselling_queries as queries
from doudi.community.counselling_forms import AskForm, BookForm, HoldForm, OffForm
from doudi.community.models import CounsellingSession
from doudi.community.services import counselling
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.needs.views.queue import number
from doudi.registry.models import Person
from doudi.registry.queries import shown_name

S = CounsellingSession.State


class SessionFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=[("follow", gettext_lazy("待回访")), *S.choices], empty_label=gettext_lazy("全部"), method="by_state"
    )
    kind = django_filters.ChoiceFilter(label=gettext_lazy("方式"), choices=CounsellingSession.Kind.choices, empty_label=gettext_lazy("全部"))
    mine = django_filters.ChoiceFilter(
        label=gettext_lazy("由我"), choices=[("hold", gettext_lazy("疏导")), ("watch", gettext_lazy("督导")), ("asked", gettext_lazy("登记"))],
        empty_label=gettext_lazy("全部"), method="by_mine",
    )  # fmt: skip
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = CounsellingSession
        fields: list[str] = []

    def by_state(self, rows: QuerySet[CounsellingSession], name: str, value: str) -> QuerySet[CounsellingSession]:
        if value == "follow":
            return rows.filter(state=S.HELD, follow_up__isnull=False, followed__isnull=True)
        return rows.filter(state=value) if value else rows

    def by_mine(self, rows: QuerySet[CounsellingSession], name: str, value: str) -> QuerySet[CounsellingSession]:
        field = {"hold": "counsellor", "watch": "supervisor", "asked": "asked_by"}.get(value)
        return rows.filter(**{field: scopes.current().account_id}) if field else rows


def _moment(value: datetime | None) -> str:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ui.NOTHING


class Sessions(ListPage):
    """Sessions that the reader sees, open ones first; who sees numbers alone gets no table."""

    title = gettext_lazy("心理疏导")
    act = "counselling.list"
    crumbs = ((gettext_lazy("社区关爱"), ""),)
    filters = SessionFilter
    order = (
        Case(When(state=S.ASKED, then=0), When(state=S.BOOKED, then=1), default=2, output_field=IntegerField()), F("urgent").desc(), "-asked_at", "-id",
    )  # type: ignore[assignment]  # fmt: skip
    subject = "counselling"
    template = "community/counselling.html"
    exports = False
    empty_title = gettext_lazy("没有您可以看到的心理疏导")
    empty_hint = gettext_lazy("在人员页面点“申请心理疏导”登记；除本人登记、疏导、督导的以外，只有社工站和乡镇看得到。")
    columns = (
        Column(
            gettext_lazy("姓名"), lambda row: shown_name(row.person.name), kind="code", url=lambda row: reverse("community:counselling_session", args=[row.pk])
        ),
        Column(gettext_lazy("所在村（社区）"), "area", kind="area"),
        Column(gettext_lazy("方式"), "get_kind_display", small=lambda row: row.get_cause_display()),
        Column(gettext_lazy("登记日期"), lambda row: timezone.localdate(row.asked_at), kind="day"),
        Column(gettext_lazy("预约时间"), lambda row: _moment(row.starts), kind="code", small=lambda row: row.counsellor.name if row.counsellor else ""),
        Column(gettext_lazy("回访日期"), "follow_up", kind="day"),
        Column(gettext_lazy("状态"), lambda row: _words(row), kind="tag", colour=lambda row: "red" if _pressing(row) else queries.COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[CounsellingSession]:
        if not duties.may("counselling.view"):
            return CounsellingSession.objects.none()
        return CounsellingSession.objects.select_related("person", "counsellor")

    def context(self) -> dict[str, Any]:
        return {"figures": queries.figures() if duties.may("counselling.numbers") else [], "may_view": duties.may("counselling.view")}


def _pressing(row: CounsellingSession) -> bool:
    return row.urgent and row.state == S.ASKED


def _words(row: CounsellingSession) -> str:
    return f"{row.get_state_display()}（{_('紧急')}）" if _pressing(row) else str(row.get_state_display())


@may("counselling.ask")
def ask(request: HttpRequest, person_id: int) -> HttpResponse:
    """Ask for a session for somebody of the registry."""
    person = get_object_or_404(Person, pk=person_id, died_on__isnull=True)
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = counselling.ask(person_id=person.pk, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("已登记；社工站会在期限内预约时间和人员。"))
            return redirect("community:counselling_session", session_id=made.pk)
    # one that is open and visible leads on instead of a refusal
    waiting = CounsellingSession.objects.filter(person=person, state__in=CounsellingSession.OPEN).order_by("-asked_at").first()
    context = {"form": form, "person": person, "name": shown_name(person.name), "waiting": waiting}
    return render(request, "community/counselling_ask.html", context, status=422 if form.errors else 200)


def _session(session_id: int) -> CounsellingSession:
    rows = CounsellingSession.objects.select_related("person", "counsellor", "supervisor", "asked_by", "booked_by", "closed_by", "follows")
    return get_object_or_404(rows, pk=session_id)


def _forms(row: CounsellingSession, post: Any, step: str) -> dict[str, Any]:
    """What the reader may do with the session now; the form sent in is bound."""
    account, on = scopes.current().account_id, timezone.localdate()
    forms: dict[str, Any] = {}
    if row.state in CounsellingSession.OPEN and duties.may("counselling.book"):
        initial: dict[str, Any] = {"minutes": 60, "way": row.way or "home"}
        if row.starts and row.ends:
            initial |= {"starts": timezone.localtime(row.starts), "minutes": (row.ends - row.starts).seconds // 60}
            initial |= {"counsellor": row.counsellor_id, "supervisor": row.supervisor_id}
        forms["book"] = BookForm(
            post if step == "book" else None, initial=initial, counsellors=counselling.people_for(row.area, counselling.COUNSELLORS, on),
            supervisors=counselling.people_for(row.area, counselling.SUPERVISORS, on),
        )  # fmt: skip
        forms["off"] = OffForm(post if step == "off" else None, booked=row.state == S.BOOKED)
    if row.state == S.BOOKED and account == row.counsellor_id and row.starts and row.starts <= timezone.now():
        forms["hold"] = HoldForm(post if step == "hold" else None)
    return forms


@may("counselling.view")
def session(request: HttpRequest, session_id: int) -> HttpResponse:
    """One session: booked, held, followed up or called off; each step says what stands against it."""
    row, problem = _session(session_id), ""
    step = request.POST.get("act", "") if request.method == "POST" else ""
    forms = _forms(row, request.POST, step)
    form = forms.get(step)
    if step and (form is None or form.is_valid()):
        try:
            made = _step(row, step, form.cleaned_data if form else {}, number(request.POST.get("version")) or -1)
        except (ValidationError, PermissionDenied) as error:
            if form is not None and isinstance(error, ValidationError):
                errors_into(form, error)
            else:
                problem = "；".join(error.messages) if isinstance(error, ValidationError) else str(error)
        else:
            messages.success(request, _("已办理。"))
            return redirect("community:counselling_session", session_id=made.pk)
    followed = CounsellingSession.objects.filter(follows=row).first() if row.state == S.HELD else None
    account = scopes.current().account_id
    context = {
        "row": row, "name": shown_name(row.person.name), "colour": queries.COLOURS[row.state], "desc": _described(row), "forms": forms, "problem": problem,
        "reads": row.state == S.HELD and account in (row.counsellor_id, row.supervisor_id), "followed": followed, "events": queries.course(row),
        "may_follow": row.state == S.HELD and row.follow_up is not None and followed is None and duties.may("counselling.ask"),
        "early": row.state == S.BOOKED and account == row.counsellor_id and "hold" not in forms,
    }  # fmt: skip
    bad = problem or any(each.errors for each in forms.values())
    return render(request, "community/counselling_session.html", context, status=422 if bad else 200)


def _step(row: CounsellingSession, step: str, given: dict[str, Any], version: int) -> CounsellingSession:
    now = timezone.now()
    if step in ("book", "hold", "off") and not given:  # its form is not offered to this reader, or not any more
        raise ValidationError(_("这一步现在不能办理，或不由您办理；请刷新页面。"))
    if step == "book":
        return counselling.book(session_id=row.pk, version=version, now=now, **given)
    if step == "hold":
        return counselling.hold(session_id=row.pk, version=version, now=now, **given)
    if step == "off":
        return counselling.call_off(session_id=row.pk, version=version, missed=bool(given.get("missed")), reason=given["reason"], now=now)
    if step == "follow":
        # one follow-up of a session: the same button twice is one
        return counselling.follow(session_id=row.pk, uuid=uuid5(UUID(str(row.uuid)), "follow-up"), now=now)
    raise ValidationError(_("这次心理疏导刚由他人办理，现为“%(state)s”；请刷新页面。") % {"state": row.get_state_display()})


def _described(row: CounsellingSession) -> list[tuple[Any, ...]]:
    home: Any = shown_name(row.person.name)
    if duties.may("registry.view"):
        home = format_html('<a href="{}">{}</a>', reverse("registry:person", args=[row.person_id]), home)
    said: list[tuple[Any, ...]] = [
        (_("姓名"), home), (_("所在村（社区）"), ui.area_name(row.area)), (_("方式"), row.get_kind_display()), (_("缘由"), row.get_cause_display()),
        (_("登记"), f"{row.asked_by.name if row.asked_by else _('系统')}　{_moment(row.asked_at)}"),
    ]  # fmt: skip
    if row.starts and row.ends and row.counsellor and row.supervisor:
        said += [
            (_("预约时间"), f"{_moment(row.starts)}（{_('%(n)d 分钟') % {'n': (row.ends - row.starts).seconds // 60}}）"), (_("在哪里谈"), row.get_way_display()),
            (_("疏导人员"), row.counsellor.name), (_("督导"), row.supervisor.name), (_("预约"), row.booked_by.name if row.booked_by else ui.NOTHING),
        ]  # fmt: skip
    if row.follow_up:
        said.append((_("回访日期"), ui.day(row.follow_up)))
    if row.follows_id:
        said.append((_("回访自"), format_html('<a href="{}">{}</a>', reverse("community:counselling_session", args=[row.follows_id]), _("上一次"))))
    return said


@require_POST
@may("counselling.view")
def note(request: HttpRequest, session_id: int) -> HttpResponse:
    """What was said, for the counsellor and the supervisor; recorded before it is shown. Whoever else asks is told that there is nothing for them."""
    row = _session(session_id)
    found = counselling.read_note(session_id=row.pk)
    if found is None:
        raise Http404
    by = f"{row.counsellor.name if row.counsellor else ''}　{ui.day(timezone.localdate(found.made_at))}"
    said = mark_safe(linebreaks(str(found.text), autoescape=True))  # escaped before it is broken into paragraphs
    return HttpResponse(format_html('<div class="rv">{}<small>{}</small></div>', said, by))
