"""Pages of donations: the list, receiving, one donation with its allocations, what arrives at a place."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import audit, duties, places
from doudi.core import scope as scopes
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.services.attachments import LARGEST
from doudi.core.views.access import may
from doudi.needs.models import Need
from doudi.needs.views.queue import number
from doudi.resources import queries
from doudi.resources.forms import AllocateForm, ArrivalForm, DonationForm, GoodsForm
from doudi.resources.models import Donation, DonationAllocation
from doudi.resources.services import donating

ALL = gettext_lazy("全部")


def amount(quantity: Any, unit: str, kind: str) -> str:
    return f"{quantity:,.2f} {_('元')}" if kind == "money" else f"{quantity.normalize():f} {unit}"


class DonationFilter(django_filters.FilterSet):
    number = PrefixFilter(label=gettext_lazy("收据号"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类别"), choices=Donation.Kind.choices, empty_label=ALL)
    purpose = django_filters.ChoiceFilter(label=gettext_lazy("捐赠用途"), choices=Donation.Purpose.choices, empty_label=ALL)
    donor = PrefixFilter(label=gettext_lazy("捐赠人"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Donation
        fields: list[str] = []


class Donations(ListPage):
    title = gettext_lazy("捐赠管理")
    act = "donations.view"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = DonationFilter
    order = ("-id",)
    template = "resources/donations.html"
    subject = "donation"
    empty_title = gettext_lazy("没有符合条件的捐赠")
    empty_hint = gettext_lazy("捐款由财政登记到社会捐赠资金，捐物由志愿服务协调员登记；分配、送达逐笔可查，并向社会公布合计。")
    columns = (
        Column(gettext_lazy("收据号"), "number", kind="code", url=lambda row: reverse("resources:donation", args=[row.pk])),
        Column(gettext_lazy("捐赠人"), lambda row: row.donor or _("匿名"), small=lambda row: row.get_purpose_display()),
        Column(gettext_lazy("物品"), "named_item"),
        Column(gettext_lazy("收到数量"), lambda row: amount(row.quantity, row.unit, row.kind)),
        Column(gettext_lazy("已分配"), lambda row: amount(row.allocated, row.unit, row.kind)),
        Column(gettext_lazy("已送达"), lambda row: amount(row.delivered, row.unit, row.kind)),
        Column(gettext_lazy("接收日期"), "received_on", kind="day", sort="received_on"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.DONATION_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[Donation]:
        return Donation.objects.all()

    def context(self) -> dict[str, Any]:
        own = scopes.current().area
        return {
            "figures": queries.donation_figures(), "may_goods": duties.may("donations.goods"), "may_money": duties.may("donations.money"),
            "money": queries.money_of(own)["donations"] if len(own) == 6 else None,
        }  # fmt: skip


def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Receive money (finance) or goods (the coordinator)."""
    if kind not in Donation.Kind.values:
        raise Http404
    return _receive(request, kind) if kind == "goods" else _receive_money(request, kind)


def _form(request: HttpRequest, kind: str) -> HttpResponse:
    made_of = GoodsForm if kind == "goods" else DonationForm
    form = made_of(request.POST or None, initial={"received_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        given: dict[str, Any] = form.cleaned_data
        organisation = given.pop("organisation")
        try:
            made = donating.receive(kind=kind, organisation_id=organisation.pk if organisation else None, now=timezone.now(), **given)
        except ValidationError as error:
            errors_into(form, error)
        else:
            messages.success(request, _("捐赠已登记。"))
            return redirect("resources:donation", donation_id=made.pk)
    return render(request, "resources/donation_new.html", {"form": form, "kind": kind}, status=422 if form.errors else 200)


_receive, _receive_money = may("donations.goods")(_form), may("donations.money")(_form)


@may("donations.view")
def donation(request: HttpRequest, donation_id: int) -> HttpResponse:
    """One donation, what became of it, and the form that allocates what is left."""
    row = get_object_or_404(Donation.objects.select_related("made_by", "fund", "organisation"), pk=donation_id)
    post, problem = request.POST, ""
    form = AllocateForm(post if post.get("act") == "allocate" else None, initial={"quantity": row.left})
    if request.method == "POST":
        try:
            if _step(row, post, form):
                return redirect("resources:donation", donation_id=row.pk)
        except ValidationError as error:
            if post.get("act") == "allocate":
                errors_into(form, error)
            else:
                problem = " ".join(error.messages)
        except PermissionDenied as error:
            problem = str(error)
    else:
        audit.record_access(what="open", subject=donating.SUBJECT, subject_id=row.pk, area=row.area)
    account, rows = (
        scopes.current().account_id,
        list(row.allocations.select_related("institution", "allocated_by", "sent_by", "confirmed_by").order_by("-id")[:100]),
    )
    places.preload(each.area for each in rows)
    sends = duties.may("donations.pay" if row.kind == "money" else "donations.send")
    desc: list[tuple[Any, ...]] = [
        (_("捐赠人"), row.donor or _("匿名")), (_("公开姓名"), _("同意") if row.named else _("不公开")),
        (_("捐赠用途"), row.get_purpose_display()), (_("指定用途"), row.words or "—"),
        (_("接收日期"), f"{row.received_on}"), (_("登记"), row.made_by.name),
    ]  # fmt: skip
    if row.fund:
        desc.append((_("资金"), row.fund.name))
    if row.value:
        desc.append((_("估值"), f"{row.value:,.2f} {_('元')}"))
    if row.use_by:
        desc.append((_("保质期至"), f"{row.use_by}"))
    if row.reason:
        desc.append((_("作废原因"), row.reason, True))
    context = {
        "row": row, "colour": queries.DONATION_COLOURS[row.state], "desc": desc, "problem": problem,
        "figures": [
            {"label": _("收到数量"), "value": amount(row.quantity, row.unit, row.kind)}, {"label": _("已分配"), "value": amount(row.allocated, row.unit, row.kind)},
            {"label": _("已送达"), "value": amount(row.delivered, row.unit, row.kind)}, {"label": _("可分配"), "value": amount(row.left, row.unit, row.kind)},
        ],
        "rows": [
            (each, queries.ALLOCATION_COLOURS[each.state], amount(each.quantity, each.unit, each.kind),
             each.state == "allocated" and sends and not (row.kind == "money" and each.allocated_by_id == account),
             duties.may("donations.allocate") and (each.state == "allocated" or (each.state == "sent" and row.kind == "goods")))
            for each in rows
        ],
        "form": form if row.state == "received" and row.left > 0 and duties.may("donations.allocate") else None,
        "may_void": row.state == "received" and row.kind == "goods" and not row.allocated and duties.may("donations.goods"),
    }  # fmt: skip
    return render(request, "resources/donation.html", context, status=422 if problem or form.errors else 200)


def _step(row: Donation, post: Any, form: AllocateForm) -> bool:
    now, step, version = timezone.now(), post.get("act", ""), number(post.get("version")) or -1
    if step == "allocate":
        if not form.is_valid():
            return False
        given = form.cleaned_data
        institution, need = given.pop("institution"), given.pop("need").strip()
        need_id = Need.objects.filter(number=need).values_list("id", flat=True).first() if need else None
        donating.allocate(donation_id=row.pk, institution_id=institution.pk if institution else None, need_id=need_id, now=now, **given)
    elif step == "send":
        donating.send(
            allocation_id=number(post.get("allocation")) or 0, version=version, carrier=post.get("carrier", ""), on=timezone.localdate(), now=now
        )
    elif step == "withdraw":
        donating.withdraw(allocation_id=number(post.get("allocation")) or 0, version=version, reason=post.get("reason", ""), now=now)
    elif step == "void":
        donating.void(donation_id=row.pk, version=version, reason=post.get("reason", ""), now=now)
    return True


class AllocationFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=DonationAllocation.State.choices, empty_label=ALL)
    item = PrefixFilter(label=gettext_lazy("物品"))
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = DonationAllocation
        fields: list[str] = []


class Allocations(ListPage):
    title = gettext_lazy("捐赠送达")
    act = "donations.arrivals"
    crumbs = ((gettext_lazy("社会力量"), ""),)
    filters = AllocationFilter
    order = ("-id",)
    subject = "donation_allocation"
    empty_title = gettext_lazy("没有分配到本地的捐赠")
    empty_hint = gettext_lazy("分配到本地的捐赠会显示在这里；收到后请确认实收和签收人。")
    columns = (
        Column(gettext_lazy("物品"), "item", url=lambda row: reverse("resources:allocation", args=[row.pk]), small=lambda row: row.purpose),
        Column(gettext_lazy("分配给"), lambda row: row.institution.name if row.institution else row.get_target_display()),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("数量"), lambda row: amount(row.quantity, row.unit, row.kind)),
        Column(gettext_lazy("分配日期"), lambda row: timezone.localdate(row.allocated_at), kind="day", sort="allocated_at"),
        Column(gettext_lazy("签收人"), "taker"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.ALLOCATION_COLOURS[row.state]),
    )

    def rows(self) -> QuerySet[DonationAllocation]:
        return DonationAllocation.objects.select_related("institution")


@may("donations.arrivals")
def allocation(request: HttpRequest, allocation_id: int) -> HttpResponse:
    """What comes to a place; its arrival is confirmed here. The donor is not shown."""
    row = get_object_or_404(DonationAllocation.objects.select_related("institution", "sent_by", "confirmed_by", "allocated_by"), pk=allocation_id)
    form = ArrivalForm(request.POST or None, request.FILES or None, initial={"received": row.quantity})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        upload = given.pop("picture")
        try:
            if upload is not None and upload.size > LARGEST:
                raise ValidationError({"picture": _("文件超过 10 MB；请压缩或分次上传。")})
            donating.confirm_arrival(
                allocation_id=row.pk,
                version=number(request.POST.get("version")) or -1,
                picture=(upload.name, upload.read()) if upload else None,
                now=timezone.now(),
                **given,
            )
        except ValidationError as error:
            errors_into(form, error)
        except PermissionDenied as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已确认收到。"))
            return redirect("resources:allocation", allocation_id=row.pk)
    desc: list[tuple[Any, ...]] = [
        (_("物品"), f"{row.item}　{amount(row.quantity, row.unit, row.kind)}"), (_("用于"), row.purpose),
        (_("分配给"), row.institution.name if row.institution else "".join(places.path(row.area, above=4))),
        (_("分配"), f"{row.allocated_by.name}　{timezone.localdate(row.allocated_at)}"),
    ]  # fmt: skip
    if row.sent_by and row.sent_at:
        desc.append((_("发出"), f"{row.sent_by.name}　{timezone.localdate(row.sent_at)}　{row.carrier}"))
    if row.confirmed_by and row.received is not None:
        desc.append((_("实收"), f"{amount(row.received, row.unit, row.kind)}　{row.taker}（{row.get_proof_display()}）　{row.confirmed_by.name}"))
    if row.reason:
        desc.append((_("说明"), row.reason, True))
    may_confirm = row.state == "sent" and duties.may("donations.receive") and row.allocated_by_id != scopes.current().account_id
    context = {"row": row, "colour": queries.ALLOCATION_COLOURS[row.state], "desc": desc, "form": form if may_confirm else None}
    return render(request, "resources/allocation.html", context, status=422 if form.errors else 200)
