"""Who works on a lead: given to somebody, passed on, linked to a household; leads that other counties passed on."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from doudi.core import audit, duties, freetext, numbers
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import Column, ListPage
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import queries, services
from doudi.discovery.forms import AssignForm, IdentifyForm, ReferForm, TakeForm
from doudi.discovery.models import LeadReferral
from doudi.discovery.views.leads import page, refused


@require_POST
@may("discovery.assign")
def assign(request: HttpRequest, lead_id: int) -> HttpResponse:
    found = get_object_or_404(queries.leads(), pk=lead_id)
    form = AssignForm(request.POST, postings=queries.postings_for(found, on=timezone.localdate()), back=True)
    if form.is_valid():
        try:
            given = form.cleaned_data
            done = services.assign_lead(
                lead_id=lead_id, version=given["version"], posting_id=given["posting"], note=given["note"], now=timezone.now()
            )
        except ValidationError as error:
            refused(form, found, error)
        else:
            to = done.posting.account.name if done.posting else _("乡镇经办人")
            messages.success(request, _("线索 %(number)s 已交%(to)s办理。") % {"number": done.number, "to": to})
            return redirect("discovery:lead", lead_id=lead_id)
    return page(request, found, assign=form, status=422)


@require_POST
@may("discovery.refer")
def refer(request: HttpRequest, lead_id: int) -> HttpResponse:
    found = get_object_or_404(queries.leads(), pk=lead_id)
    form = ReferForm(request.POST)
    if form.is_valid():
        try:
            given = form.cleaned_data
            done = services.refer_lead(
                lead_id=lead_id, version=given["version"], department=given["department"], to_area=given["to_area"].strip(),
                note=given["note"], now=timezone.now(),
            )  # fmt: skip
        except ValidationError as error:
            refused(form, found, error)
        else:
            messages.success(request, _("线索 %(number)s 已转办。") % {"number": done.number})
            return redirect("discovery:lead", lead_id=lead_id)
    return page(request, found, refer=form, status=422)


@require_POST
@may("discovery.assign")
def identify(request: HttpRequest, lead_id: int) -> HttpResponse:
    found = get_object_or_404(queries.leads(), pk=lead_id)
    form = IdentifyForm(request.POST)
    if form.is_valid():
        try:
            root = services.identify_lead(
                lead_id=lead_id,
                version=form.cleaned_data["version"],
                household_number=form.cleaned_data["household_number"],
                now=timezone.now(),
            )
        except ValidationError as error:
            refused(form, found, error)
        else:
            merged = root.pk != lead_id
            messages.success(request, _("该家庭已有未办结的线索，已并入 %(number)s。") % {"number": root.number} if merged else _("已关联家庭。"))
            return redirect("discovery:lead", lead_id=root.pk)
    return page(request, found, identify=form, status=422)


@require_POST
@may("discovery.view")
def reveal(request: HttpRequest, lead_id: int, field: str) -> HttpResponse:
    """The whole number of somebody who is not in the registry, or what was told with its numbers (`detail`), after the access record is committed; for those
    who work on leads."""
    if field not in ("phone", "id_number", "detail"):
        raise Http404
    if not duties.may("discovery.handle"):
        raise PermissionDenied(_("您的岗位不能查看完整信息。"))
    found = get_object_or_404(queries.leads(), pk=lead_id)
    audit.record_access(what="reveal", subject="lead", subject_id=found.pk, area=found.area, field=field)
    if field == "detail":
        return HttpResponse(ui.revealed(queries.told_numbers(found)))
    token = found.subject_phone if field == "phone" else found.subject_token
    if field == "phone" and token is None and found.person is not None:
        token = found.person.phone
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(token) or ui.NOTHING))


class Referrals(ListPage):
    """Leads that other counties passed on, and those passed on from here."""

    title = gettext_lazy("外地转办")
    act = "discovery.refer"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    order = ("-sent_at", "-id")
    subject = "lead_referral"
    exports = False
    empty_title = gettext_lazy("没有外地转办的线索")
    empty_hint = gettext_lazy("外县转来的线索在这里签收；本地转往外县的也在这里查看结果。")
    columns = (
        Column(gettext_lazy("转办时间"), "sent_at", kind="day", url=lambda row: reverse("discovery:referral", args=[row.pk])),
        Column(gettext_lazy("转出地"), lambda row: row.from_area[:6], kind="area"),
        Column(gettext_lazy("转往"), "area", kind="area"),
        Column(gettext_lazy("对象"), lambda row: ui.mask_name(row.subject_name) if row.subject_name else ""),
        Column(gettext_lazy("情况"), lambda row: freetext.masked(row.reason)),
        Column(
            gettext_lazy("结果"),
            lambda row: queries.referral_standing(row)[0],
            kind="tag",
            colour=lambda row: queries.referral_standing(row)[1],
            small=lambda row: freetext.masked(row.return_reason),
        ),
    )

    def rows(self) -> QuerySet[LeadReferral]:
        return LeadReferral.objects.all()


@may("discovery.refer")
@require_POST
def send_back(request: HttpRequest, referral_id: int) -> HttpResponse:
    """Send a lead that another county passed on back, with the reason."""
    try:
        services.return_referral(referral_id=referral_id, reason=request.POST.get("reason", "")[:400], now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except LeadReferral.DoesNotExist:
        raise Http404 from None
    else:
        messages.success(request, _("已退回转出地，对方的线索重新计时。"))
    return redirect("discovery:referral", referral_id=referral_id)


@may("discovery.view")
def referral(request: HttpRequest, referral_id: int) -> HttpResponse:
    """One lead passed on between counties; the receiving side takes it here. Levels above see what waits too long."""
    if not (duties.may("discovery.refer") or duties.may("discovery.escalate")):
        raise PermissionDenied(_("您的岗位不能办理这项业务。"))
    found = get_object_or_404(LeadReferral.objects.select_related("sent_by", "taken_by", "returned_by"), pk=referral_id)
    audit.record_access(what="open", subject="lead_referral", subject_id=found.pk, area=found.area)
    receiving = scopes.current().covers(found.area) and duties.may("discovery.refer")
    waits = found.taken_at is None and found.returned_at is None
    form = TakeForm(request.POST or None, initial={"area": found.area}) if receiving and waits else None
    if request.method == "POST" and receiving:
        try:
            if form is None or form.is_valid():
                area = form.cleaned_data["area"] if form else found.area
                made = services.take_referral(referral_id=referral_id, area=area, now=timezone.now())
                messages.success(request, _("已签收，生成线索 %(number)s。") % {"number": made.number})
                return redirect("discovery:lead", lead_id=made.pk)
        except ValidationError as error:
            if form is None:
                messages.error(request, " ".join(error.messages))
                return redirect("discovery:referral", referral_id=referral_id)
            errors_into(form, error)
    rows = [
        (_("对象"), found.subject_name or _("未留姓名")),
        (_("联系电话"), ui.mask_phone(numbers.plain(found.subject_phone))),
        (_("转出地"), ui.area_name(found.from_area[:6])),
        (_("转往"), ui.area_name(found.area)),
        (_("户籍地"), ui.area_name(found.registered_area) if found.registered_area else ui.NOTHING),
        (_("现住址"), freetext.masked(str(found.address or ui.NOTHING))),
        (_("情况"), freetext.masked(found.reason), True),
        (_("情况说明"), freetext.masked(found.detail or ui.NOTHING), True),
        (_("转办理由"), freetext.masked(found.note), True),
        (_("转办人"), f"{found.sent_by.name}　{ui.day(found.sent_at)}"),
        (_("结果"), queries.referral_standing(found)[0]),
    ]
    if found.returned_at:
        by = found.returned_by.name if found.returned_by else ui.NOTHING
        rows += [(_("退回理由"), freetext.masked(found.return_reason), True), (_("退回人"), f"{by}　{ui.day(found.returned_at)}")]
    there = found.lead_there if receiving else None
    back = receiving and found.returned_at is None and not found.result
    sent_lead = found.lead_id if not receiving and scopes.current().covers(found.from_area) else None
    context = {"referral": found, "rows": rows, "form": form, "lead_there": there, "back": back, "sent_lead": sent_lead}
    return render(request, "discovery/referral.html", context, status=422 if form is not None and form.errors else 200)
