"""One need: who answers it, each step, and the papers of a medicine delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.core import audit, duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.services.attachments import LARGEST
from doudi.core.templatetags.ui import money
from doudi.core.views.access import may
from doudi.needs import queries, services, sources
from doudi.needs.forms import OTHER, AssignForm, BoughtForm, HandOverForm, OfferForm, PrepareForm, RenewForm, medicines
from doudi.needs.models import MedicineDelivery, Need, NeedAnswer, NeedPrivate
from doudi.needs.services.base import A
from doudi.needs.views.queue import number


@may("needs.view")
def need(request: HttpRequest, need_id: int) -> HttpResponse:
    return _page(request, need_id, {})


def _answers(row: Need) -> list[NeedAnswer]:
    """Its answers with what the reader may do with each."""
    found = list(row.answers.select_related("account", "confirmed_by").order_by("id"))
    account, manage = scopes.current().account_id, duties.may("needs.manage")
    delivered = dict(MedicineDelivery.objects.filter(answer__in=[each.pk for each in found]).values_list("answer_id", "state")) if row.delivery else {}
    live = row.state in Need.LIVE
    for each in found:
        own = each.account_id == account
        each.colour = queries.ANSWER_COLOURS[each.state]  # type: ignore[attr-defined]
        each.may_reply = live and each.state == A.OFFERED and (own if each.asked and each.account_id else manage)  # type: ignore[attr-defined]
        each.may_end = live and each.state in (A.OFFERED, *NeedAnswer.HOLDING) and (own or manage)  # type: ignore[attr-defined]
        each.may_report = live and each.state == A.ACCEPTED and not row.delivery and (own or manage)  # type: ignore[attr-defined]
        each.may_confirm = live and each.state == A.REPORTED and manage and account not in (each.account_id, each.reported_by_id)  # type: ignore[attr-defined]
        each.may_deliver = row.delivery and (each.state == A.ACCEPTED or each.pk in delivered) and (own or manage)  # type: ignore[attr-defined]
    return found


def _page(request: HttpRequest, need_id: int, forms: dict[str, Any], problem: str = "") -> HttpResponse:
    row = get_object_or_404(Need.objects.select_related("person", "household", "raised_by", "closed_by"), pk=need_id)
    now = timezone.now()
    private = NeedPrivate.objects.filter(need=row).first()
    if request.method == "GET" and private is not None:
        audit.record_access(what="open", subject="need", subject_id=row.pk, area=row.area)
    answers, live, account = _answers(row), row.state in Need.LIVE, scopes.current().account_id
    involved = any(each.account_id == account and each.state in (A.OFFERED, *NeedAnswer.HOLDING) for each in answers)
    came_from = sources.url(row.source, row.source_id)
    desc: list[tuple[Any, ...]] = [
        (_("种类"), row.kind_label), (_("需要数量"), f"{row.wanted}（{_('已接')} {row.taken}，{_('已完成')} {row.met}）"),
        (_("地区"), "".join(places.path(row.area if private else row.area[:9], above=4))), (_("谁需要"), _whose(row, private)),
        (_("来源"), format_html('<a href="{}">{}</a>', came_from, row.get_source_display()) if came_from else row.get_source_display()),
        (_("登记"), f"{row.raised_by.name if row.raised_by else _('系统')}　{timezone.localtime(row.raised_at):%Y-%m-%d %H:%M}"),
        (_("响应期限"), f"{timezone.localtime(row.answer_due):%Y-%m-%d %H:%M}"), (_("满足期限"), f"{timezone.localtime(row.due):%Y-%m-%d %H:%M}"),
    ]  # fmt: skip
    if row.by:
        desc.append((_("最晚日期"), f"{row.by}（{_('过期不再需要')}）" if row.fixed else f"{row.by}"))
    if row.skills:
        desc.append((_("需要的技能"), row.skill_words))
    if row.close_reason:
        desc.append((_("取消原因"), row.close_reason, True))
    may_manage = duties.may("needs.manage")
    assigning = live and may_manage and row.left > 0
    candidates = [(key, words) for key, words, _each in queries.candidates(row, timezone.localdate())] if assigning else []
    context = {
        "row": row, "private": private, "desc": desc, "answers": answers, "events": queries.events(row) if private else [], "problem": problem,
        "colour": queries.COLOURS[row.state], "urgency_colour": queries.URGENCY_COLOURS[row.urgency], "late": bool(row.clock and row.clock < now),
        "may_contact": services.may_see_contact(row, answers),
        "offer": forms.get("offer") or (OfferForm(need=row, initial={"kind": _own_kind()}) if live and row.left > 0 and not involved and duties.may("needs.answer") else None),
        "assign": forms.get("assign") or (AssignForm(need=row, candidates=candidates) if assigning else None),
        "may_cancel": live and may_manage, "renew": forms.get("renew") or (RenewForm() if row.state == "expired" and may_manage else None),
        "confirms": [each for each in NeedAnswer.Confirmed.choices if each[0] in ("recipient", "contact")],
    }  # fmt: skip
    bad = problem or any(form.errors for form in forms.values())
    return render(request, "needs/need.html", context, status=422 if bad else 200)


def _own_kind() -> str:
    return {"volunteer_coordinator": "volunteer", "institution_clerk": "department", "hotline_operator": "department"}.get(scopes.current().duty, "officer")


def _whose(row: Need, private: NeedPrivate | None) -> Any:
    name = queries.whose(row, private)
    if row.household_id and duties.may("registry.view"):
        return format_html('<a href="{}">{}</a>', reverse("registry:household", args=[row.household_id]), name)
    return name


@require_POST
@may("needs.view")
def act(request: HttpRequest, need_id: int) -> HttpResponse:
    """One step on the need itself; the service says what stands against it."""
    row = get_object_or_404(Need, pk=need_id)
    post, now, step = request.POST, timezone.now(), request.POST.get("act", "")
    version = number(post.get("version")) or -1
    forms: dict[str, Any] = {}
    form: Any = None
    found = {key: each for key, _words, each in queries.candidates(row, timezone.localdate())} if step == "assign" else {}
    if step == "offer":
        form = forms["offer"] = OfferForm(post, need=row)
    elif step == "assign":
        form = forms["assign"] = AssignForm(post, need=row, candidates=[(key, each.name) for key, each in found.items()])
    elif step == "renew":
        form = forms["renew"] = RenewForm(post)
    if form is not None and not form.is_valid():
        return _page(request, need_id, forms)
    try:
        if step == "offer":
            services.offer(need_id=row.pk, now=now, **form.cleaned_data)
        elif step == "assign":
            services.assign(need_id=row.pk, version=version, now=now, **_chosen(form.cleaned_data, found))
        elif step == "renew":
            services.renew_need(need_id=row.pk, version=version, by=form.cleaned_data["by"], now=now)
        elif step == "cancel":
            services.cancel_need(need_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
    except (ValidationError, PermissionDenied) as error:
        return _refused(request, need_id, forms, form, error)
    messages.success(request, _("已办理。"))
    return redirect("needs:need", need_id=row.pk)


def _refused(request: HttpRequest, need_id: int, forms: dict[str, Any], form: Any, error: ValidationError | PermissionDenied) -> HttpResponse:
    if isinstance(error, ValidationError) and form is not None:
        errors_into(form, error)
        return _page(request, need_id, forms)
    return _page(request, need_id, {}, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))


def _chosen(given: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Whom the form names: one of those suggested, or somebody typed in."""
    common = {"uuid": given["uuid"], "kind": given["kind"], "quantity": given["quantity"]}
    if given["who"] == OTHER:
        return common | {"name": given["name"], "phone": given["phone"]}
    each = found[given["who"]]
    if each.account_id:
        return common | {"account_id": each.account_id, "kind": each.kind if given["kind"] == "officer" else given["kind"]}
    return common | {"name": each.name, "phone_token_": each.phone, "external_id": each.external_id, "kind": each.kind}


@require_POST
@may("needs.view")
def answer(request: HttpRequest, answer_id: int) -> HttpResponse:
    """One step on an answer."""
    row = get_object_or_404(NeedAnswer, pk=answer_id)
    post = request.POST
    given: dict[str, Any] = {"answer_id": row.pk, "version": number(post.get("version")) or -1, "now": timezone.now()}
    steps: dict[str, Callable[[], object]] = {
        "accept": lambda: services.accept(**given),
        "decline": lambda: services.decline(**given, reason=post.get("reason", "")),
        "withdraw": lambda: services.withdraw(**given, reason=post.get("reason", "")),
        "report": lambda: services.report_done(**given, note=post.get("note", "")),
        "confirm": lambda: services.confirm(**given, confirmed=post.get("confirmed", "")),
        "not_done": lambda: services.not_done(**given, reason=post.get("reason", "")),
    }
    step = steps.get(post.get("act", ""))
    try:
        if step is not None:
            step()
    except (ValidationError, PermissionDenied) as error:
        return _refused(request, row.need_id, {}, None, error)
    messages.success(request, _("已办理。"))
    return redirect("needs:mine" if post.get("back") == "mine" and duties.may("needs.mine") else reverse("needs:need", args=[row.need_id]))


@require_POST
@may("needs.view")
def contact(request: HttpRequest, need_id: int) -> HttpResponse:
    """Whom to call and where to go: for whoever answers it, while it lasts; recorded."""
    row = get_object_or_404(Need, pk=need_id)
    try:
        name, phone, address = services.reveal_contact(need_id=row.pk)
    except (PermissionDenied, ValidationError) as error:
        return HttpResponse(str(error), status=403)
    call = format_html('<a href="tel:{}">{}</a>', phone, phone) if phone else _("没有登记电话")
    return HttpResponse(format_html('<span class="rv">{}　{}　{}</span>', name, call, address or _("没有登记住址")))


@may("needs.answer")
def delivery(request: HttpRequest, answer_id: int) -> HttpResponse:
    """The papers of a medicine delivery: list, prescription, money, hand-over; one step after the other."""
    row = get_object_or_404(NeedAnswer.objects.select_related("need__person", "need__household"), pk=answer_id)
    made = MedicineDelivery.objects.filter(answer=row).select_related("handed_by").first()
    step = request.POST.get("act", "") if request.method == "POST" else ""
    listed = "\n".join("，".join(part for part in (each.name, each.quantity, each.use) if part) for each in services.medicines_of(made)) if made else ""
    initial = {"source": made.source, "source_name": made.source_name, "medicines": listed, "prescription": made.prescription} if made else {}
    forms: dict[str, Any] = {
        "prepare": PrepareForm(request.POST if step == "prepare" else None, initial=initial),
        "bought": BoughtForm(request.POST if step == "bought" else None),
        "hand_over": HandOverForm(
            request.POST if step == "hand_over" else None, request.FILES if step == "hand_over" else None,
            initial={"returned": made.returned if made else 0, "taker": row.need.person.name if row.need.person else ""},
        ),
    }  # fmt: skip
    form = forms.get(step)
    if form is not None and form.is_valid():
        try:
            _delivery_step(request, step, row, made, form.cleaned_data)
        except (ValidationError, PermissionDenied) as error:
            errors_into(form, error if isinstance(error, ValidationError) else ValidationError(str(error)))
        else:
            messages.success(request, _("已登记。"))
            return redirect("needs:need", need_id=row.need_id) if step == "hand_over" else redirect("needs:delivery", answer_id=row.pk)
    bad = any(each.errors for each in forms.values())
    context = {
        "answer": row, "need": row.need, "delivery": made, "medicines": services.medicines_of(made) if made else [], "forms": forms,
        "colour": {"preparing": "orange", "bought": "", "handed": "green"}.get(made.state if made else "", ""), "steps": _steps(made),
        "done": row.state != A.ACCEPTED,
        "sums": [(_("收到本人的钱"), f"{money(made.received)} 元"), (_("实际付款"), f"{money(made.paid)} 元"), (_("退还本人"), f"{money(made.returned)} 元"),
                 (_("垫付"), f"{money(made.advanced)} 元")] if made and made.bought_at else [],
    }  # fmt: skip
    return render(request, "needs/delivery.html", context, status=422 if bad else 200)


def _delivery_step(request: HttpRequest, step: str, row: NeedAnswer, made: MedicineDelivery | None, given: dict[str, Any]) -> None:
    now = timezone.now()
    if step == "prepare":
        services.prepare(answer_id=row.pk, now=now, **(given | {"medicines": medicines(given["medicines"])}))
        return
    if made is None:
        raise ValidationError(_("请先填写药品清单。"))
    version = number(request.POST.get("version")) or -1
    if step == "bought":
        services.bought(delivery_id=made.pk, version=version, now=now, **given)
        return
    file = given.pop("picture")
    if file is not None and file.size > LARGEST:
        raise ValidationError({"picture": _("文件超过 10 MB；请压缩或分次上传。")})
    services.hand_over(delivery_id=made.pk, version=version, now=now, picture=(file.name or "", file.read()) if file else None, **given)


def _steps(made: MedicineDelivery | None) -> list[dict[str, str]]:
    at = {None: 0, "preparing": 1, "bought": 2, "handed": 3}[made.state if made else None]
    labels = (_("药品清单"), _("取药付款"), _("送达签收"))
    return [{"label": label, "state": "done" if number < at else "now" if number == at else ""} for number, label in enumerate(labels)]
