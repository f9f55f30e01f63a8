"""Pages of care: gaps, temporary living care and guardianship, hand-overs, allowance (监护空档、临时生活照料、临时监护)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.protection import care_queries, services, timeline
from doudi.protection.care_forms import (
    CarerForm,
    ClaimForm,
    DecideForm,
    EndForm,
    ExtendForm,
    GuardianshipForm,
    HandedForm,
    LivingForm,
    PaidForm,
    ReviewForm,
    WithdrawForm,
)
from doudi.protection.models import Care, CareClaim, ProtectionCase
from doudi.protection.services.base import SUBJECT
from doudi.protection.services.care_base import guardian_of
from doudi.protection.views import tabs
from doudi.protection.views.cases import found_case
from doudi.registry.queries import shown_name

MINORS = gettext_lazy("未成年人保护")


class GapFilter(django_filters.FilterSet):
    urgency = django_filters.ChoiceFilter(label=gettext_lazy("紧急程度"), choices=ProtectionCase.Urgency.choices, empty_label=gettext_lazy("全部"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = ProtectionCase
        fields: list[str] = []


class Gaps(ListPage):
    title = gettext_lazy("监护空档")
    act = "protection.care_view"
    crumbs = ((MINORS, ""),)
    filters = GapFilter
    order = ("unattended_from", "id")
    subject = SUBJECT
    template = "protection/gaps.html"
    exports = False
    empty_title = gettext_lazy("没有无人照料的孩子")
    empty_hint = gettext_lazy("只列出由您办理、待接案和您督导的个案。")
    columns = (
        Column(gettext_lazy("编号"), "number", kind="code", url=lambda row: care_tab(row.pk)),
        Column(gettext_lazy("未成年人"), lambda row: shown_name(row.name) if row.name else _("姓名不详")),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(
            gettext_lazy("已无人照料"),
            lambda row: ui.status_tag(timeline.words(timezone.now() - row.unattended_from), "red"),
            sort="unattended_from",
        ),
        Column(gettext_lazy("自"), "unattended_from", kind="day"),
        Column(gettext_lazy("责任人"), lambda row: row.responsible.name if row.responsible else _("待接案")),
    )

    def rows(self) -> QuerySet[ProtectionCase]:
        return care_queries.gaps()

    def context(self) -> dict[str, Any]:
        return {"figures": care_queries.gaps_by_place(timezone.now())}


class CareFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(label=gettext_lazy("种类"), choices=Care.Kind.choices, empty_label=gettext_lazy("全部"))
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), empty_label=gettext_lazy("全部"), method="by_state",
        choices=[*Care.State.choices, ("late", gettext_lazy("超过预计结束日期")), ("review", gettext_lazy("评估超期"))],
    )  # fmt: skip
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Care
        fields: list[str] = []

    def by_state(self, rows: QuerySet[Care], name: str, value: str) -> QuerySet[Care]:
        late = {"late": "expected_end__lt", "review": "review_due__lt"}
        if value in late:
            return rows.filter(state=Care.State.ACTIVE, **{late[value]: timezone.localdate()})
        return rows.filter(state=value)


class Cares(ListPage):
    title = gettext_lazy("临时照料和监护")
    act = "protection.care_view"
    crumbs = ((MINORS, ""),)
    filters = CareFilter
    order = ("state", "expected_end", "id")
    subject = "protection_care"
    template = "protection/cares.html"
    exports = False
    empty_title = gettext_lazy("没有临时生活照料或临时监护")
    empty_hint = gettext_lazy("在个案的“照料和监护”中开始临时生活照料，或提出临时监护。")
    columns = (
        Column(gettext_lazy("编号"), "case.number", kind="code", url=lambda row: care_tab(row.case_id)),
        Column(gettext_lazy("未成年人"), lambda row: shown_name(row.case.name) if row.case.name else _("姓名不详")),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("种类"), "get_kind_display", small=lambda row: row.get_way_display()),
        Column(gettext_lazy("原因"), "get_reason_display"),
        Column(gettext_lazy("开始"), lambda row: timezone.localdate(row.starts), kind="day", sort="starts"),
        Column(gettext_lazy("预计结束"), lambda row: ui.due(row.expected_end) if row.state == "active" else ui.day(row.expected_end), sort="expected_end"),
        Column(gettext_lazy("下次评估"), lambda row: ui.due(row.review_due) if row.state == "active" else None),
        Column(
            gettext_lazy("状态"),
            "get_state_display",
            kind="tag",
            colour=lambda row: care_queries.CARE_COLOURS[row.state],
            small=lambda row: row.get_outcome_display(),
        ),
    )

    def rows(self) -> QuerySet[Care]:
        return care_queries.cares()

    def context(self) -> dict[str, Any]:
        return {"figures": care_queries.care_figures(timezone.localdate())}


class ClaimFilter(django_filters.FilterSet):
    paid = django_filters.ChoiceFilter(
        label=gettext_lazy("发放"), empty_label=gettext_lazy("全部"), method="by_paid", choices=[("no", gettext_lazy("待发放")), ("yes", gettext_lazy("已发放"))],
    )  # fmt: skip
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = CareClaim
        fields: list[str] = []

    def by_paid(self, rows: QuerySet[CareClaim], name: str, value: str) -> QuerySet[CareClaim]:
        return rows.filter(paid_on__isnull=value == "no")


class Claims(ListPage):
    title = gettext_lazy("照料补贴")
    act = "protection.care_view"
    crumbs = ((MINORS, ""),)
    order = ("-starts", "id")
    subject = "protection_claim"
    template = "protection/claims.html"
    empty_title = gettext_lazy("没有登记照料补贴")
    filters = ClaimFilter
    empty_hint = gettext_lazy("在个案的“照料和监护”中按天登记，由县民政局发放给照料人。")
    columns = (
        Column(gettext_lazy("编号"), "case.number", kind="code", url=lambda row: care_tab(row.case_id)),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("种类"), "care.get_kind_display"),
        Column(gettext_lazy("从"), "starts", kind="day", sort="starts"),
        Column(gettext_lazy("至"), "ends", kind="day"),
        Column(gettext_lazy("金额（元）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("领款人"), "payee"),
        Column(gettext_lazy("登记"), lambda row: row.claimed_by.name if row.claimed_by else "", small=lambda row: ui.day(row.claimed_at)),
        Column(
            gettext_lazy("发放"), lambda row: _("已发放") if row.paid_on else _("待发放"), kind="tag", colour=lambda row: "green" if row.paid_on else "orange",
            small=lambda row: f"{row.paid_on} {row.voucher}" if row.paid_on else None,
        ),
    )  # fmt: skip

    def rows(self) -> QuerySet[CareClaim]:
        return CareClaim.objects.select_related("case", "care", "claimed_by")

    def context(self) -> dict[str, Any]:
        return {"figures": care_queries.claim_figures()}


def found_care(care_id: int) -> Care:
    row = Care.objects.select_related("case").filter(pk=care_id).first()
    if row is None:
        raise Http404
    return row


def case_title(row: ProtectionCase) -> str:
    return row.name or _("姓名不详")


def care_tab(case_id: int) -> str:
    return f"{reverse('protection:case', args=[case_id])}?tab=care"


def form_page(
    request: HttpRequest, form: Any, call: Callable[[dict[str, Any]], Any], *, title: str, back: str, crumb: str, done: str, button: str, note: str = "",
    confirm: str = "", rows: list[tuple[Any, ...]] | None = None,
) -> HttpResponse:  # fmt: skip
    """One form on a page of its own: shown, sent, refused with the reason at its field, or done and back."""
    if request.method == "POST" and form.is_valid():
        try:
            call(form.cleaned_data)
        except ValidationError as error:
            errors_into(form, error)
        except PermissionDenied as error:
            form.add_error(None, str(error) or _("您的岗位不能办理这项业务。"))
        else:
            messages.success(request, done)
            return redirect(back)
    context = {"form": form, "title": title, "back": back, "crumb": crumb, "button": button, "note": note, "confirm": confirm, "desc": rows or []}
    return render(request, "protection/care_form.html", context, status=422 if form.is_bound and form.errors else 200)


def _of_case(row: ProtectionCase) -> dict[str, Any]:
    return {"back": care_tab(row.pk), "crumb": f"{row.number}　{case_title(row)}"}


@may("protection.care")
def living_new(request: HttpRequest, case_id: int) -> HttpResponse:
    row, now = found_case(case_id), timezone.now()
    name = places.name(row.area)
    if len(row.area) < 12:
        initial = {"organiser": "civil_affairs", "body": guardian_of(row)}
    else:  # 陈固村民委员会, 青年路社区居民委员会
        residents = "社区" in name or "居" in name
        short = name.removesuffix("委员会").removesuffix("村民").removesuffix("居民").removesuffix("村委会").removesuffix("居委会").removesuffix("村")
        initial = {"organiser": "residents" if residents else "village", "body": f"{short}{'居民' if residents else '村民'}委员会"}
    form = LivingForm(request.POST or None, version=row.version, initial=initial)
    return form_page(
        request, form, lambda given: services.begin_living_care(
            case_id=row.pk, version=given["version"], uuid=given["uuid"], given=form.given(), starts=given["starts"], now=now,
        ), title=_("开始临时生活照料"), done=_("临时生活照料已开始；请随即填写交接记录。"), button=_("开始照料"),
        note=_("%(basis)s。立即开始，不须等待审批；请在当日填写交接记录。") % {"basis": Care.Basis.CIVIL_34.label}, **_of_case(row),
    )  # fmt: skip


@may("protection.guardianship_propose")
def guardianship_new(request: HttpRequest, case_id: int) -> HttpResponse:
    row, now = found_case(case_id), timezone.now()
    running = Care.objects.filter(case=row, state=Care.State.ACTIVE).first()
    initial: dict[str, Any] = {}
    if running is not None:
        initial = {name: getattr(running, name) for name in ("reason", "situation", "carer", "relation", "contact", "consent", "consent_note")}
        if running.way != Care.Way.COMMITTEE:
            initial["way"] = running.way
    form = GuardianshipForm(request.POST or None, version=row.version, initial=initial)
    return form_page(
        request, form, lambda given: services.propose_guardianship(case_id=row.pk, version=given["version"], uuid=given["uuid"], given=form.given(), now=now),
        title=_("提出临时监护"), done=_("已提出，待县级审批人决定。"), button=_("提出"),
        note=_("由%(body)s担任监护人；须由县级审批人决定。决定前，正在进行的临时生活照料继续。") % {"body": guardian_of(row)}, **_of_case(row),
    )  # fmt: skip


def _care_form(
    form_class: Any,
    act: str,
    title: Any,
    button: Any,
    done: Any,
    call: Callable[[Care, Any, dict[str, Any], Any], Any],
    note: Any = "",
    confirm: Any = "",
) -> Any:
    """A view of one step of a care."""

    @may(act)
    def view(request: HttpRequest, care_id: int) -> HttpResponse:
        care, now = found_care(care_id), timezone.now()
        initial: dict[str, Any] = {}
        if issubclass(form_class, EndForm):
            initial = {"given_by": care.carer}
        elif issubclass(form_class, CarerForm):
            initial = {"given_by": care.carer, "way": care.way}
        elif issubclass(form_class, HandedForm):
            initial = {"taken_by": care.carer, "handed_at": timezone.localtime(care.starts)}
        elif form_class is ClaimForm:
            last = care.claims.order_by("-ends").first()
            initial = {
                "payee": care.carer,
                "ends": timezone.localdate(care.ended_at or now),
                "starts": timezone.localdate(care.starts) if last is None else None,
            }
        form = form_class(request.POST or None, version=care.version, initial=initial)
        return form_page(
            request, form, lambda given: call(care, form, given, now), title=str(title), button=str(button), done=str(done), note=str(note), confirm=str(confirm),
            rows=[(_("种类"), care.get_kind_display()), (_("照料人"), care.carer), (_("开始"), ui.day(care.starts)), (_("最长至"), ui.day(care.latest_end))], **_of_case(care.case),
        )  # fmt: skip

    return view


def _base(care: Care, given: dict[str, Any], now: Any) -> dict[str, Any]:
    return {"care_id": care.pk, "version": given["version"], "now": now}


hand_over = _care_form(
    HandedForm, "protection.care", gettext_lazy("交接记录"), gettext_lazy("保存交接记录"), gettext_lazy("已保存交接记录。"),
    lambda care, form, given, now: services.hand_over(**_base(care, given, now), uuid=given["uuid"], given=form.handed()),
    gettext_lazy("交接记录保存后不能修改；签字的纸质件请拍照上传到个案附件。"),
)  # fmt: skip
carer = _care_form(
    CarerForm, "protection.care", gettext_lazy("变更照料人"), gettext_lazy("变更照料人"), gettext_lazy("已变更照料人。"),
    lambda care, form, given, now: services.change_carer(
        **_base(care, given, now), uuid=given["uuid"], given=form.handed(), **{name: given[name] for name in ("way", "carer", "relation", "contact", "reason")}
    ),
)  # fmt: skip
review = _care_form(
    ReviewForm, "protection.care", gettext_lazy("照料评估"), gettext_lazy("保存评估"), gettext_lazy("已保存评估。"),
    lambda care, form, given, now: services.review_care(**_base(care, given, now), verdict=given["verdict"], note=given["note"]),
    gettext_lazy("从临时监护送回父母前，最近一次评估的结论应为“可以送回”。"),
)  # fmt: skip
extend = _care_form(
    ExtendForm, "protection.care_view", gettext_lazy("延长"), gettext_lazy("延长"), gettext_lazy("已延长。"),
    lambda care, form, given, now: services.extend_care(**_base(care, given, now), until=given["until"], reason=given["reason"]),
    gettext_lazy("超过最长期限的，由县级审批人决定；不得超过十八周岁生日。"),
)  # fmt: skip
claim = _care_form(
    ClaimForm, "protection.care", gettext_lazy("登记照料补贴"), gettext_lazy("登记"), gettext_lazy("已登记照料补贴。"),
    lambda care, form, given, now: services.claim_allowance(**_base(care, given, now), starts=given["starts"], ends=given["ends"], payee=given["payee"]),
    gettext_lazy("按本地设定的每日标准计算；由县民政局发放给照料人，不列入社会救助资金发放批次。"),
)  # fmt: skip
end = _care_form(
    EndForm, "protection.care", gettext_lazy("结束并交接"), gettext_lazy("结束并交接"), gettext_lazy("已结束。"),
    lambda care, form, given, now: services.end_care(
        **_base(care, given, now), uuid=given["uuid"], outcome=given["outcome"], note=given["note"], given=None if given["outcome"] == Care.Outcome.BROKEN else form.handed()
    ),
    confirm=gettext_lazy("结束这项照料或监护；照料中断的，孩子随即列为无人照料。"),
)  # fmt: skip


@may("protection.guardianship_decide")
def decide(request: HttpRequest, care_id: int) -> HttpResponse:
    """The county's decision on a guardianship."""
    care, now = found_care(care_id), timezone.now()
    form = DecideForm(request.POST or None, version=care.version)
    agreed = request.POST.get("verdict") == "agree"
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.decide_guardianship(
                care_id=care.pk, version=given["version"], agreed=agreed, document=given["document"], note=given["note"], now=now
            )
        except ValidationError as error:
            errors_into(form, error)
        except PermissionDenied as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已决定，临时监护开始。") if agreed else _("已作出不同意的决定。"))
            return redirect(care_tab(care.case_id))
    context = {"form": form, "row": care, "name": case_title(care.case), "shown": care_queries.description(care, now), **_of_case(care.case)}
    return render(request, "protection/care_decide.html", context, status=422 if form.is_bound and form.errors else 200)


@may("protection.claim_paid")
def claim_paid(request: HttpRequest, claim_id: int) -> HttpResponse:
    """The county notes that an allowance was paid."""
    row, now = CareClaim.objects.select_related("case").filter(pk=claim_id).first(), timezone.now()
    if row is None:
        raise Http404
    form = PaidForm(request.POST or None, initial={"paid_on": timezone.localdate(now)})
    shown = [(_("领款人"), row.payee), (_("金额（元）"), ui.money(row.amount)), (_("从"), ui.day(row.starts)), (_("至"), ui.day(row.ends))]
    return form_page(
        request, form, lambda given: services.note_claim_paid(claim_id=row.pk, **given, now=now), title=_("登记补贴发放"), done=_("已登记发放。"),
        button=_("登记发放"), note=_("先由县民政局把补贴付给照料人，再在这里登记；登记后不能修改。"), rows=shown, **_of_case(row.case),
    )  # fmt: skip


@require_POST
@may("protection.guardianship_propose")
def withdraw(request: HttpRequest, care_id: int) -> HttpResponse:
    care = found_care(care_id)
    form = WithdrawForm(request.POST, version=care.version)
    try:
        if not form.is_valid():
            raise ValidationError(_("请写明撤回的原因。"))
        services.withdraw_guardianship(care_id=care.pk, version=form.cleaned_data["version"], reason=form.cleaned_data["reason"], now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("已撤回。"))
    return redirect(care_tab(care.case_id))


def _tab(request: HttpRequest, row: ProtectionCase, now: datetime, refused: dict[str, Any]) -> dict[str, Any]:
    return care_queries.care_of(row, now)


tabs.add(tabs.Tab("care", gettext_lazy("照料和监护"), "guardianship", _tab, "protection/_care.html"))
