"""Pages of referrals and transfers (转介、移交)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import freetext
from doudi.core import scope as scopes
from doudi.core.lists import Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.protection import care_queries, services
from doudi.protection.models import ProtectionCase, Referral
from doudi.protection.referral_forms import OUTSIDE, OfferForm
from doudi.protection.services import referring
from doudi.protection.views import tabs
from doudi.protection.views.care import MINORS, case_title, form_page
from doudi.protection.views.cases import found_case

STEPS = {
    "offered": gettext_lazy("提出"), "accepted": gettext_lazy("接收"), "progress": gettext_lazy("进展"), "done": gettext_lazy("完成"), "declined": gettext_lazy("退回"),
    "revoked": gettext_lazy("撤回"), "expired": gettext_lazy("逾期未接收"),
}  # fmt: skip


class ReferralFilter(django_filters.FilterSet):
    who = django_filters.ChoiceFilter(
        label=gettext_lazy("办理"), empty_label=gettext_lazy("全部"), method="by_who",
        choices=[
            ("waiting", gettext_lazy("待我接收")), ("mine", gettext_lazy("我接收的")), ("out", gettext_lazy("我转出的")), ("back", gettext_lazy("退回、逾期待重新转介")),
        ],
    )  # fmt: skip
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Referral.State.choices, empty_label=gettext_lazy("全部"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("种类"), choices=Referral.Kind.choices, empty_label=gettext_lazy("全部"))

    class Meta:
        model = Referral
        fields: list[str] = []

    def by_who(self, rows: QuerySet[Referral], name: str, value: str) -> QuerySet[Referral]:
        me = scopes.current()
        return {
            "waiting": rows.filter(to_duty=me.duty, to_area__gte=me.low, to_area__lt=me.high, state="offered"),
            "mine": rows.filter(state="accepted", accepted_by_id=me.account_id), "out": rows.filter(Q(offered_by_id=me.account_id, state__in=Referral.OPEN)),
            "back": rows.filter(offered_by_id=me.account_id, state__in=["declined", "expired"], followed_by__isnull=True),
        }[value]  # fmt: skip


class Referrals(ListPage):
    title = gettext_lazy("转介")
    act = "protection.referrals"
    crumbs = ((MINORS, ""),)
    filters = ReferralFilter
    order = ("-offered_at", "id")
    subject = "protection_referral"
    template = "protection/referrals.html"
    exports = False
    empty_title = gettext_lazy("没有转介")
    empty_hint = gettext_lazy("在个案的“转介”中向其他服务单位或地区转介；转给您的在这里接收。")
    columns = (
        Column(
            gettext_lazy("个案编号"),
            "case_number",
            kind="code",
            url=lambda row: reverse("protection:referral", args=[row.pk]),
            small=lambda row: row.get_kind_display(),
        ),
        Column(gettext_lazy("服务"), "get_service_display"),
        Column(gettext_lazy("转出地"), "area", kind="area", small=lambda row: row.offered_by.name if row.offered_by else None),
        Column(gettext_lazy("转给"), care_queries.to_whom, small=lambda row: row.accepted_by.name if row.accepted_by else None),
        Column(gettext_lazy("提出"), lambda row: timezone.localdate(row.offered_at), kind="day", sort="offered_at"),
        Column(gettext_lazy("接收期限"), lambda row: ui.due(row.due) if row.state == "offered" else ui.day(row.due), sort="due"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: care_queries.REFERRAL_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Referral]:
        return care_queries.referrals()

    def context(self) -> dict[str, Any]:
        return {"figures": care_queries.referral_figures(timezone.localdate())}


def referrals_tab(case_id: int) -> str:
    return f"{reverse('protection:case', args=[case_id])}?tab=referrals"


def _tab(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    return care_queries.referrals_of(row)


tabs.add(tabs.Tab("referrals", gettext_lazy("转介"), "basic", _tab, "protection/_referrals.html"))


@may("protection.refer")
def offer(request: HttpRequest, case_id: int) -> HttpResponse:
    """Refer or transfer; `again`: one that came to nothing, its words filled in."""
    row, now, acting = found_case(case_id), timezone.now(), scopes.current()
    text = request.GET.get("again", "")
    before = Referral.objects.filter(pk=int(text), case=row).first() if text.isascii() and text.isdigit() and len(text) < 18 else None
    initial: dict[str, Any] = {"to_area": row.area[:6]}
    if before is not None:
        content = services.open_referral(referral_id=before.pk, now=now)[1] or {}
        initial = {
            "service": before.service, "receiver": before.to_duty or OUTSIDE, "to_area": before.to_area, "to_name": before.to_name, "ground": before.ground,
            "ground_note": content.get("ground_note", ""), "purpose": content.get("purpose", ""), "sections": list(content.get("sections", {})),
        }  # fmt: skip
    form = OfferForm(request.POST or None, version=row.version, area=row.area, duty=acting.duty, initial=initial)

    def call(given: dict[str, Any]) -> Referral:
        try:
            return services.offer(
                case_id=row.pk, version=given["version"], uuid=given["uuid"], given=form.offer(), again=before.pk if before else None, now=now,
            )  # fmt: skip
        except ValidationError as error:
            if hasattr(error, "error_dict") and "to_duty" in error.error_dict:
                error.error_dict["receiver"] = error.error_dict.pop("to_duty")
            raise

    return form_page(
        request, form, call, title=_("重新转介") if before else _("转介或移交"), done=_("已提出，等待对方接收。"), button=_("提出"),
        note=_("对方只看到转介所需的内容；办结、退回、撤回或逾期后自动收回查看权限。"), back=referrals_tab(row.pk),
        crumb=f"{row.number}　{case_title(row)}",
    )  # fmt: skip


@may("protection.referrals")
def referral(request: HttpRequest, pk: int, problem: str = "") -> HttpResponse:
    """One referral, as far as the reader may still see it, with the next step of their side."""
    try:
        row, content, steps = services.open_referral(referral_id=pk, now=timezone.now())
    except ValidationError as error:
        raise Http404 from error
    outside = not row.to_duty
    answering = referring.receives(row) or (outside and referring.gives(row))
    giving = referring.gives(row)
    open_ = row.state in Referral.OPEN
    again = giving and row.state in ("declined", "revoked", "expired") and not Referral.objects.filter(follows=row).exists()
    desc: list[tuple[Any, ...]] = [
        (_("种类"), row.get_kind_display()), (_("服务"), row.get_service_display()), (_("转出地"), ui.area_name(row.area)), (_("转给"), care_queries.to_whom(row)),
        (_("依据"), row.get_ground_display(), True), (_("提出"), f"{row.offered_by.name if row.offered_by else ''}　{ui.day(row.offered_at)}"),
        (_("接收期限"), ui.due(row.due) if row.state == "offered" else ui.day(row.due)),
    ]  # fmt: skip
    if row.accepted_at:
        desc.append((_("接收"), f"{row.accepted_by.name if row.accepted_by else row.to_name}　{ui.day(row.accepted_at)}"))
    if row.ended_at:
        desc.append((row.get_state_display(), f"{row.ended_by.name if row.ended_by else _('系统')}　{ui.day(row.ended_at)}"))
    context = {
        "row": row, "desc": desc, "colour": care_queries.REFERRAL_COLOURS[row.state], "problem": problem, "giving": giving, "again": again,
        "minor": care_queries.minor_of(content) if content else [], "content": content, "sections": care_queries.sections_of(content) if content else [],
        "steps": [
            {"at": each.at, "title": STEPS.get(each.what, each.what), "who": each.account.name if each.account else _("系统"), "note": freetext.masked(each.note or "")}
            for each in steps
        ],
        "may_accept": answering and row.state == "offered", "may_work": answering and row.state == "accepted", "may_revoke": giving and open_, "outside": outside,
    }  # fmt: skip
    return render(request, "protection/referral.html", context, status=422 if problem else 200)


@require_POST
@may("protection.referrals")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """One step of a referral; the service says what stands against it."""
    text, step, note = request.POST.get("version", ""), request.POST.get("act", ""), request.POST.get("note", "")[:2000]
    given: dict[str, Any] = {
        "referral_id": pk,
        "version": int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1,
        "now": timezone.now(),
    }
    calls = {
        "accept": lambda: services.accept(**given, note=note), "decline": lambda: services.decline(**given, reason=note), "done": lambda: services.finish(**given, result=note),
        "progress": lambda: services.report_progress(**given, note=note), "revoke": lambda: services.revoke(**given, reason=note),
    }  # fmt: skip
    if step not in calls:
        raise Http404
    try:
        row = calls[step]()
    except ValidationError as error:
        return referral(request, pk, " ".join(error.messages))
    except PermissionDenied as error:
        return referral(request, pk, str(error))
    messages.success(request, _("已办理：%(state)s。") % {"state": row.get_state_display()})
    if row.kind == Referral.Kind.TRANSFER and row.state == Referral.State.DONE:
        return redirect("protection:case", row.case_id)
    return redirect("protection:referral", pk)
