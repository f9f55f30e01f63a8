"""动态监测: runs, what they found by cause, one review with what changed, and what an officer does with it."""

from __future__ import annotations

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
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.assessment.facts import month_after
from doudi.core import audit, duties, tasks
from doudi.core.forms import MonthField, errors_into
from doudi.core.lists import AreaFilter, Column, ListPage, PrefixFilter
from doudi.core.views.access import may
from doudi.enrolment import review_queries, services
from doudi.enrolment.forms import ChangeForm, GradualForm, GrantForm, KeepForm, RaiseForm, StopForm
from doudi.enrolment.models import Award, Review
from doudi.registry.models import Programme

S = Review.Suggestion


class ReviewFilter(django_filters.FilterSet):
    name = PrefixFilter(field_name="household__name", label=gettext_lazy("户主姓名"))
    kind = django_filters.ChoiceFilter(label=gettext_lazy("来源"), choices=Review.Kind.choices)
    cause = django_filters.ChoiceFilter(label=gettext_lazy("原因"), choices=Review.Cause.choices)
    programme = django_filters.ChoiceFilter(label=gettext_lazy("项目"), choices=Programme.choices)
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=Review.State.choices)
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = Review
        fields: list[str] = []


class Reviews(ListPage):
    title = gettext_lazy("动态监测")
    act = "enrolment.view"
    crumbs = [(gettext_lazy("救助办理"), "")]
    filters = ReviewFilter
    order = ("due", "id")
    template = "enrolment/reviews.html"
    empty_title = gettext_lazy("没有核查事项")
    empty_hint = gettext_lazy("每月对在享家庭重新测算，与发放不一致的列在这里；请放宽查询条件，或由县级开始监测。")
    columns = [
        Column(
            gettext_lazy("户主"),
            "household.name",
            kind="code",
            url=lambda row: reverse("enrolment:review", args=[row.pk]),
            small=lambda row: row.person.name if row.person else None,
        ),
        Column(gettext_lazy("地区"), "area", kind="area"),
        Column(gettext_lazy("项目"), "get_programme_display"),
        Column(gettext_lazy("原因"), "get_cause_display", kind="tag", colour=lambda row: "red" if row.cause == "death" else ""),
        Column(gettext_lazy("建议"), "get_suggestion_display", kind="code"),
        Column(gettext_lazy("现发（元/月）"), "current_amount", kind="money"),
        Column(gettext_lazy("测算（元/月）"), "law_amount", kind="money"),
        Column(gettext_lazy("期限"), lambda row: row.due if row.state == "open" else None, kind="due", sort="due"),
        Column(gettext_lazy("状态"), "get_state_display", kind="tag", colour=lambda row: review_queries.COLOURS[row.state]),
    ]

    def rows(self) -> QuerySet[Review]:
        return Review.objects.select_related("household", "person")

    def context(self) -> dict[str, Any]:
        return {"causes": review_queries.by_cause(on=timezone.localdate()), "may_monitor": duties.may("enrolment.monitor")}


class RunForm(forms.Form):
    month = MonthField(label=gettext_lazy("月份"))


@require_http_methods(["GET", "POST"])
@may("enrolment.monitor")
def monitoring(request: HttpRequest) -> HttpResponse:
    """Runs so far, and the button that starts one."""
    today = timezone.localdate()
    form = RunForm(request.POST or None, initial={"month": today.replace(day=1)})
    if request.method == "POST" and form.is_valid():
        month = form.cleaned_data["month"]
        area = request.scope.area  # type: ignore[attr-defined]
        tasks.start_task(
            path="doudi.enrolment.tasks.monitor", title=_("动态监测 %(month)s") % {"month": f"{month:%Y-%m}"}, arguments={"area": area, "month": month.isoformat()},
            url=reverse("enrolment:monitoring"), now=timezone.now(),
        )  # fmt: skip
        messages.info(request, _("已开始监测；完成后差异列在“动态监测”。"))
        return redirect("enrolment:monitoring")
    context = {
        "form": form, "runs": review_queries.runs(), "causes": review_queries.by_cause(on=today),
        "raise_form": RaiseForm() if duties.may("enrolment.raise") else None,
    }  # fmt: skip
    return render(request, "enrolment/monitoring.html", context, status=422 if form.errors else 200)


@require_POST
@may("enrolment.raise")
def raise_standard(request: HttpRequest) -> HttpResponse:
    """Propose the raised amounts of all reviews that a standard alone caused."""
    form = RaiseForm(request.POST)
    if form.is_valid():
        try:
            made = services.propose_standard_raise(area=request.scope.area, document=form.cleaned_data["document"], now=timezone.now())  # type: ignore[attr-defined]
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已按新标准提出 %(count)d 件变更，等待审批。") % {"count": len(made)})
            return redirect("enrolment:monitoring")
    messages.error(request, "；".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("enrolment:monitoring")


def _review(pk: int) -> Review:
    found = Review.objects.select_related("household", "person", "assessment", "decision", "decided_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require_GET
@may("enrolment.view")
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review: what is paid, what the law says, what changed, and the ways on."""
    return _page(request, _review(pk))


def _page(request: HttpRequest, row: Review, *, form: forms.Form | None = None, what: str = "", status: int = 200) -> HttpResponse:
    audit.record_access(what="open", subject="household", subject_id=row.household_id, area=row.area, field="review")
    award = Award.objects.filter(pk=row.award_id).first() if row.award_id else None
    change = None if row.law_amount is None or row.current_amount is None else row.law_amount - row.current_amount
    desc = [
        (_("户主"), row.household.name), (_("享受人"), row.person.name if row.person else _("全户")), (_("项目"), row.get_programme_display()),  # type: ignore[attr-defined]
        (_("测算月份"), f"{row.month:%Y-%m}"), (_("现发（元/月）"), f"{row.current_amount:,.2f}" if row.current_amount is not None else ""),
        (_("测算（元/月）"), f"{row.law_amount:,.2f}" if row.law_amount is not None else _("不符合或不计金额")),
        (_("差额（元/月）"), f"{change:+,.2f}" if change is not None else ""), (_("核查期限"), row.due.isoformat()),
        (_("变化的登记"), review_queries.changed_words(row) if row.assessment else _("到期核查，未重新测算"), True),
    ]  # fmt: skip
    if row.reason:
        desc.append((_("理由"), row.reason, True))
    if row.decided_by:
        desc.append((_("办理人"), f"{row.decided_by.name} {timezone.localtime(row.decided_at):%Y-%m-%d %H:%M}"))
    if row.kept_until:
        desc.append((_("维持至"), row.kept_until.isoformat()))
    spot = row.kind == Review.Kind.SPOT
    if spot:
        desc.insert(-1, (_("抽查认定的事实"), review_queries.found_wrong(row), True))
    may_handle = row.state == Review.State.OPEN and duties.may("enrolment.propose")
    may_keep = row.state == Review.State.OPEN and row.cause != "death" and duties.may("enrolment.spot_check" if spot else "enrolment.propose")
    first = {"from_month": month_after(timezone.localdate())}
    ways: list[tuple[str, str, forms.Form, str]] = []
    if may_handle:
        if row.award_id is None:
            ways.append(("grant", _("提出新办"), GrantForm(auto_id="grant_%s"), _("按测算结果提出，另一名工作人员审批。")))
        else:
            if row.law_amount is not None or row.kind in ("periodic", "spot"):
                ways.append(("change", _("提出变更"), ChangeForm(initial=first, auto_id="change_%s"), _("按测算结果变更金额或享受人。")))
            if row.suggestion in (S.GRADUAL, S.STOP) and row.programme == Programme.DIBAO and award is not None and award.gradual_exit_start is None:
                ways.append(
                    (
                        "gradual",
                        _("提出渐退"),
                        GradualForm(initial=first, auto_id="gradual_%s"),
                        _("因就业收入超过标准的，渐退期内继续发放，到期自动停发。"),
                    )
                )
            ways.append(("stop", _("提出停发"), StopForm(initial=first, auto_id="stop_%s"), _("写明停发原因；暂停退出期间只有例外情形可以停发。")))
    if may_keep:
        ways.append(("keep", _("维持不变"), KeepForm(auto_id="keep_%s"), _("情况核实后认为不需变更的，写明理由。")))
    if form is not None:
        ways = [(key, label, form if key == what else given, hint) for key, label, given, hint in ways]
        if what not in [key for key, *_rest in ways]:
            for error in [str(words) for errors in form.errors.values() for words in errors]:
                messages.error(request, error)
    context = {
        "row": row, "desc": desc, "colour": review_queries.COLOURS[row.state], "ways": ways, "open_way": what or _suggested(row), "law_says": review_queries.law_says(row),
        "award": award,
    }  # fmt: skip
    return render(request, "enrolment/review.html", context, status=status)


def _suggested(row: Review) -> str:
    return {"raise": "change", "lower": "change", "members": "change", "stop": "stop", "gradual": "gradual", "grant": "grant"}.get(
        row.suggestion, "keep"
    )


FORMS: dict[str, type[forms.Form]] = {"keep": KeepForm, "change": ChangeForm, "gradual": GradualForm, "stop": StopForm, "grant": GrantForm}


@require_POST
@may("enrolment.view")
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Keep, or propose what follows; sent twice, the second is told what happened."""
    _review(pk)
    if what not in FORMS:
        raise Http404
    form = FORMS[what](request.POST, auto_id=f"{what}_%s")
    version = request.POST.get("version", "")
    if form.is_valid() and version.isascii() and version.isdigit() and len(version) < 9:
        now = timezone.now()
        try:
            if what == "keep":
                services.keep_review(review_id=pk, version=int(version), now=now, **form.cleaned_data)
                messages.success(request, _("已记录维持不变。"))
                return redirect("enrolment:review", pk=pk)
            made = services.propose_from_review(review_id=pk, version=int(version), what=what, now=now, **form.cleaned_data)
            messages.success(request, _("已提出 %(number)s，等待审批。") % {"number": made.number})
            return redirect("enrolment:decision", pk=made.pk)
        except ValidationError as error:
            errors_into(form, error)
    return _page(request, _review(pk), form=form, what=what, status=422)
