"""Pages of 救助办理: decisions and awards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.assessment import queries as assessments
from doudi.assessment.models import Assessment
from doudi.core import audit, duties, places
from doudi.core import scope as scopes
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter, page_of
from doudi.core.templatetags.ui import money
from doudi.core.views.access import may
from doudi.enrolment import award_queries, queries, services
from doudi.enrolment.forms import NoteForm, ProposalForm
from doudi.enrolment.models import Award, AwardAmount, Case, Decision
from doudi.enrolment.procedure import Step
from doudi.enrolment.rules import START_RULES, Start
from doudi.registry.models import Household, Programme


class DecisionFilter(django_filters.FilterSet):
    name = queries.HeadFilter(label=gettext_lazy("户主姓名"))
    number = PrefixFilter(label=gettext_lazy("编号"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("项目"), choices=Programme.choices)
    kind = django_filters.ChoiceFilter(label=gettext_lazy("类型"), choices=Decision.Kind.choices)
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Decision.State.choices)
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Decision
        fields: list[str] = []


class Decisions(ListPage):
    title = gettext_lazy("办理列表")
    act = "enrolment.view"
    crumbs = [(gettext_lazy("救助办理"), "")]
    filters = DecisionFilter
    order = ("-id",)
    template = "enrolment/decisions.html"
    empty_hint = gettext_lazy("从家庭的测算说明页点“提出办理”，提出的决定会显示在这里。")
    columns = [
        Column(gettext_lazy("编号"), "number", url=lambda row: reverse("enrolment:decision", args=[row.pk])),
        Column(gettext_lazy("户主"), "head", kind="code", small=lambda row: row.person.name if row.person_id and row.person else None),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("项目"), "get_programme_display"),
        Column(gettext_lazy("类型"), "get_kind_display"),
        Column(gettext_lazy("金额（元/月）"), "amount", kind="money", sort="amount"),
        Column(gettext_lazy("与测算"), lambda row: _("不一致") if row.differs else "", kind="tag", colour=lambda row: "orange"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: queries.COLOURS[row.state]),
        Column(gettext_lazy("提出时间"), "proposed_at", kind="day", sort="proposed_at"),
    ]

    def rows(self) -> QuerySet[Decision]:
        return queries.with_head(Decision.objects.select_related("person").defer("content"))

    def context(self) -> dict[str, Any]:
        return {"may_approve": duties.may("enrolment.approve")}


def _decision(pk: int) -> Decision:
    found = Decision.objects.select_related("person", "proposed_by", "decided_by", "assessment").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_GET
@may("enrolment.view")
def decision(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision: what is proposed, the law's calculation beside it, the way so far, the buttons of the acting duty."""
    return _decision_page(request, _decision(pk))


def _decision_page(request: HttpRequest, row: Decision, error: str = "", status: int = 200) -> HttpResponse:
    audit.record_access(what="open", subject="household", subject_id=row.household_id, area=row.area, field="decision")
    acting = scopes.current()
    waits = row.state == Decision.State.PROPOSED
    rule = START_RULES.get(row.programme)
    set_here = bool(rule and row.content.get("start_rule") not in (None, rule.start))  # the county's own rule, not the one with the reference
    case = Case.objects.filter(decision=row).select_related("application").first()
    ready = waits and (case is None or (case.step == Step.APPROVAL and case.state == Case.State.OPEN))
    may_approve = duties.may("enrolment.approve") or (case is not None and case.procedure["delegated"] and duties.may("enrolment.confirm"))
    needs_sign = waits and row.differs and row.kind != Decision.Kind.STOP and row.signed_by_id is None
    other = row.proposed_by_id != acting.account_id
    law_says = assessments.said(row.assessment.results) if row.assessment else []
    content = row.content
    desc = [
        (_("户主"), queries.with_head(Decision.objects.filter(pk=row.pk)).values_list("head", flat=True)[0]),
        (_("项目"), row.get_programme_display()),
        (_("类型"), row.get_kind_display()),
        (_("金额（元/月）"), f"{row.amount:,.2f}" if row.amount is not None else ""),
        (_("起始月"), f"{row.starts:%Y-%m}"),
        (_("起始规则"), f"{Start(content['start_rule']).label}（{_('本地规定') if set_here else rule.reference}）" if content.get("start_rule") and rule else ""),
        (_("领款人"), (content.get("payee") or {}).get("name")),
        (_("依据文件"), content.get("document")),
        (_("理由"), row.reason, True),
    ]
    context = {
        "row": row, "desc": desc, "steps": queries.steps(row), "history": queries.history(row), "law_says": law_says, "members": content["members"],
        "amounts": content.get("amounts", []), "error": error, "rule": None if set_here else rule, "colour": queries.COLOURS[row.state],
        "approve_form": NoteForm(initial={"version": row.version}, prefix=None) if ready and other and may_approve and not needs_sign else None,
        "case": case, "sign_form": NoteForm(initial={"version": row.version}) if waits and other and needs_sign and duties.may("enrolment.sign") else None,
        "needs_sign": needs_sign,
        "may_withdraw": waits and not other and case is None and duties.may("enrolment.propose"),
        "award": row.award_id or (Award.objects.filter(decision=row).values_list("pk", flat=True).first() if row.state == "approved" else None),
        "own": ready and not other and may_approve,
    }  # fmt: skip
    return render(request, "enrolment/decision.html", context, status=status)


@require_POST
@may("enrolment.view")
def decide(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Approve, send back or withdraw the version that was read; sent twice, the second is told what happened."""
    row = _decision(pk)
    form = NoteForm(request.POST)
    if not form.is_valid() or what not in ("approve", "send-back", "withdraw", "sign"):
        return _decision_page(request, row, _("请求不完整，请刷新页面后重试。"), 422)
    note, version, now = form.cleaned_data["note"], form.cleaned_data["version"], timezone.now()
    try:
        if what == "approve":
            services.approve(decision_id=pk, version=version, note=note, now=now)
            messages.success(request, _("%(number)s 已确认。") % {"number": row.number})
        elif what == "sign":
            services.sign(decision_id=pk, version=version, note=note, now=now)
            messages.success(request, _("%(number)s 已会签。") % {"number": row.number})
        elif what == "send-back":
            services.send_back(decision_id=pk, version=version, note=note, now=now)
            messages.success(request, _("%(number)s 已退回乡镇。") % {"number": row.number})
        else:
            services.withdraw(decision_id=pk, version=version, note=note, now=now)
            messages.success(request, _("%(number)s 已撤回。") % {"number": row.number})
    except ValidationError as error:
        return _decision_page(request, _decision(pk), "；".join(error.messages), 409)
    return redirect("enrolment:decision", pk=pk)


BATCH = 100


@require_http_methods(["GET", "POST"])
@may("enrolment.approve")
def approve_many(request: HttpRequest) -> HttpResponse:
    """Proposals with tick boxes; what cannot be approved is listed with the reason, the rest goes through."""
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        picked = []
        for value in request.POST.getlist("d"):
            identifier, _sep, version = value.partition(":")
            if identifier.isascii() and identifier.isdigit() and version.isascii() and version.isdigit() and len(value) < 30:
                picked.append((int(identifier), int(version)))
        if not picked:
            messages.error(request, _("请先勾选要确认的事项。"))
        else:
            try:
                outcome = services.approve_many(decisions=picked, note=request.POST.get("note", ""), now=timezone.now())
            except ValidationError as error:
                messages.error(request, "；".join(error.messages))
            else:
                numbers = dict(Decision.objects.filter(pk__in=outcome.errors).values_list("id", "number"))
                errors = [(numbers.get(identifier, str(identifier)), why) for identifier, why in outcome.errors.items()]
                if outcome.done:
                    messages.success(request, _("已确认 %(count)d 件。") % {"count": len(outcome.done)})
                if not errors:
                    return redirect(request.get_full_path())
    rows = queries.awaiting().exclude(proposed_by_id=scopes.current().account_id)
    rows = rows.select_related("household", "person", "proposed_by").defer("content")
    filterset = DecisionFilter(request.GET, queryset=rows, request=request)
    filterset.form.fields.pop("state", None)
    number = request.GET.get("page", "1")
    page = page_of(filterset.qs.order_by("area", "id"), int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1, BATCH)
    places.preload(row.area for row in page.rows)
    ticked = [row.amount or Decimal(0) for row in page.rows if not row.differs]
    words = _("已勾选 {n} 件，合计 {sum} 元/月").format(n=len(ticked), sum=money(sum(ticked, Decimal(0))))
    context = {"page": page, "form": filterset.form, "errors": errors, "ticked": words, "title": _("批量审批")}
    return render(request, "enrolment/approve_many.html", context, status=409 if errors else 200)


@require_http_methods(["GET", "POST"])
@may("enrolment.propose")
def new(request: HttpRequest, assessment: int) -> HttpResponse:
    """A proposal from an assessment."""
    row = Assessment.objects.select_related("household", "settings").filter(pk=assessment).first()
    if row is None or not Household.objects.filter(pk=row.household_id).exists():
        raise Http404
    form = ProposalForm(request.POST if request.method == "POST" else None, assessment=row)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        programme, person = data["what"]
        now = timezone.now()
        try:
            if data["refuse"]:
                made = services.refuse(assessment=row, programme=programme, person_id=person, reason=data["reason"], now=now)
            else:
                made = services.propose(
                    assessment=row, programme=programme, person_id=person, amount=data["amount"], payee_id=data["payee"], reason=data["reason"], now=now
                )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已提出 %(number)s，等待审批。") % {"number": made.number})
            return redirect("enrolment:decision", pk=made.pk)
    context = {"form": form, "row": row, "household": row.household, "said": assessments.said(row.results), "last": assessments.is_last(row)}
    return render(request, "enrolment/new.html", context, status=422 if form.errors else 200)


class AwardFilter(django_filters.FilterSet):
    name = queries.HeadFilter(label=gettext_lazy("户主姓名"))
    programme = django_filters.ChoiceFilter(label=gettext_lazy("项目"), choices=[*Programme.choices, ("disability", gettext_lazy("残疾人两项补贴"))], method="by_programme")
    area = AreaFilter(label=gettext_lazy("地区"))
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), method="by_state",
        choices=[
            ("active", gettext_lazy("享受中")), ("suspended", gettext_lazy("暂停发放")), ("gradual", gettext_lazy("渐退期")), ("ended", gettext_lazy("已停发")),
            ("void", gettext_lazy("作废")),
        ],
    )  # fmt: skip

    class Meta:
        model = Award
        fields: list[str] = []

    def by_programme(self, rows: QuerySet[Award], _name: str, value: str) -> QuerySet[Award]:
        return rows.filter(programme__in=queries.DISABILITY if value == "disability" else [value])

    def by_state(self, rows: QuerySet[Award], _name: str, value: str) -> QuerySet[Award]:
        if value == "gradual":
            return rows.filter(void=False, gradual_exit_start__isnull=False, ends__gt=timezone.localdate())
        if value == "ended":
            return rows.filter(void=False, ends__isnull=False)
        return rows.filter(void=value == "void") if value == "void" else rows.filter(void=False, ends__isnull=True, suspended=value == "suspended")


def award_state(row: Award) -> str:
    return award_queries.state_of(row, timezone.localdate())[0]


def award_colour(row: Award) -> str:
    return award_queries.state_of(row, timezone.localdate())[1]


class Awards(ListPage):
    title = gettext_lazy("保障待遇")
    act = "enrolment.view"
    crumbs = [(gettext_lazy("救助办理"), "")]
    filters = AwardFilter
    order = ("-entitlement_id",)
    columns = [
        Column(gettext_lazy("户主"), "head", kind="code", url=lambda row: reverse("enrolment:award", args=[row.pk])),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("项目"), "get_programme_display"),
        Column(gettext_lazy("领款人"), "payee_name"),
        Column(gettext_lazy("金额（元/月）"), "current", kind="money"),
        Column(gettext_lazy("起始月"), lambda row: f"{row.starts:%Y-%m}", sort="starts"),
        Column(gettext_lazy("停发月份"), lambda row: f"{row.ends:%Y-%m}" if row.ends else ""),
        Column(gettext_lazy("状态"), award_state, kind="tag", colour=award_colour),
    ]

    def rows(self) -> QuerySet[Award]:
        newest = AwardAmount.objects.filter(award=OuterRef("pk")).order_by("-from_month").values("amount")[:1]
        return queries.with_head(Award.objects.annotate(current=Subquery(newest)))
