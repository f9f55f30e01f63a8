"""The review desk (疑似同一人核查): the list, one pair with its keys, taking back, whole numbers."""

from __future__ import annotations

import django_filters
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.batch.datasets import CONTRACTS
from doudi.core import audit, numbers
from doudi.core.lists import AreaFilter, Column, ListPage
from doudi.core.models import Duty
from doudi.core.templatetags import ui
from doudi.core.views.access import may
from doudi.discovery import linkage_queries as queries
from doudi.discovery import services
from doudi.discovery.models import LinkagePair

FULL_NAMES = 9
State = LinkagePair.State


class PairFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"),
        choices=[("waiting", gettext_lazy("待核查和待入户核实")), *State.choices],
        empty_label=gettext_lazy("全部"),
        method="by_state",
    )
    dataset = django_filters.ChoiceFilter(
        label=gettext_lazy("数据目录"), empty_label=gettext_lazy("全部"), choices=lambda: [(code, _(each.name_zh)) for code, each in CONTRACTS.items() if each.linking]
    )
    area = AreaFilter(label=gettext_lazy("地区"))

    class Meta:
        model = LinkagePair
        fields: list[str] = []

    def by_state(self, rows: QuerySet[LinkagePair], name: str, value: str) -> QuerySet[LinkagePair]:
        return rows.filter(state__in=LinkagePair.WAITING if value == "waiting" else (value,))


class Pairs(ListPage):
    title = gettext_lazy("疑似同一人核查")
    act = "discovery.link"
    crumbs = ((gettext_lazy("主动发现"), ""),)
    filters = PairFilter
    order = ("-score", "id")
    template = "discovery/linkage.html"
    subject = "linkage_pair"
    exports = False
    empty_title = gettext_lazy("没有需要核查的数据")
    empty_hint = gettext_lazy("部门数据中没有身份证号或号码有误的行，在信息比对时与救助家庭台账比较；拿不准的列在这里。")

    def get_columns(self) -> list[Column]:
        whole = len(self.request.scope.area) >= FULL_NAMES  # type: ignore[attr-defined]
        return [
            Column(_("对象"), lambda pair: pair.person.name if whole else ui.mask_name(pair.person.name), kind="code",
                   url=lambda pair: reverse("discovery:linkage_pair", args=[pair.pk])),
            Column(_("所在村（社区）"), "area", kind="place" if whole else "area"),
            Column(_("数据目录"), lambda pair: _(CONTRACTS[pair.dataset].name_zh)),
            Column(_("月份"), "period"),
            Column(_("系统判断"), queries.score, kind="number"),
            Column(_("状态"), "get_state_display", kind="tag", colour=lambda pair: queries.COLOURS[pair.state]),
            Column(_("认定人"), lambda pair: pair.decided_by.name if pair.decided_by else ""),
            Column(_("认定时间"), "decided_at", kind="day"),
        ]  # fmt: skip

    def rows(self) -> QuerySet[LinkagePair]:
        return queries.pairs()


@require_GET
@may("discovery.link")
def first(request: HttpRequest) -> HttpResponse:
    """The likeliest pair that waits."""
    found = queries.first_open()
    if found is None:
        messages.success(request, _("没有待核查的数据了。"))
        return redirect("discovery:linkage")
    return redirect("discovery:linkage_pair", pair_id=found)


@require_http_methods(["GET", "POST"])
@may("discovery.link")
def desk(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Two records side by side, and the decision."""
    found, now, problem = get_object_or_404(queries.pairs(), pk=pair_id), timezone.now(), ""
    if request.method == "POST":
        after = queries.neighbours(found)[1]
        version = request.POST.get("version", "")
        try:
            done = services.decide_pair(
                pair_id=pair_id, version=int(version) if version.isdecimal() and len(version) < 9 else -1, choice=request.POST.get("choice", ""),
                note=request.POST.get("note", ""), now=now,
            )  # fmt: skip
        except ValidationError as error:
            problem = " ".join(error.messages)
            found = get_object_or_404(queries.pairs(), pk=pair_id)
        else:
            messages.success(request, format_html(
                '{} <a class="lnk" href="{}">{}</a>', SAID[State(done.state)] % {"name": found.person.name},
                reverse("discovery:linkage_pair", args=[done.pk]), _("查看或撤回"),
            ))  # fmt: skip
            return redirect("discovery:linkage_pair", pair_id=after) if after else redirect("discovery:linkage_first")
    else:
        audit.record_access(what="open", subject="linkage_pair", subject_id=found.pk, area=found.area)
    told = queries.content_of(found)
    before, after = queries.neighbours(found)
    context = {
        "pair": found, "groups": queries.lines(found, told, timezone.localdate(now)), "evidence": queries.evidence(found, told),
        "verdict": queries.verdict(found), "score": queries.score(found), "consequences": queries.consequences(found),
        "others": queries.others(found), "steps": queries.steps(found), "progress": queries.progress(now), "before": before, "after": after,
        "open": found.state in (State.OPEN, State.UNSURE, State.LINKED), "undo": queries.can_undo(found, now), "problem": problem,
        "colour": queries.COLOURS[found.state], "asks": request.scope.duty != Duty.TOWNSHIP_OFFICER,  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "discovery/linkage_pair.html", context, status=422 if problem else 200)


SAID: dict[str, str | Promise] = {
    State.SAME: gettext_lazy("已认定：数据中的人是%(name)s，下次信息比对起计入。"),
    State.DIFFERENT: gettext_lazy("已认定：不是%(name)s，以后不再一起提出。"),
    State.UNSURE: gettext_lazy("已转乡镇入户核实是否%(name)s。"),
}


@require_POST
@may("discovery.link")
def undo(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Take a decision back."""
    version = request.POST.get("version", "")
    try:
        services.undo_decision(pair_id=pair_id, version=int(version) if version.isdecimal() and len(version) < 9 else -1, now=timezone.now())
    except LinkagePair.DoesNotExist:
        raise Http404 from None
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("已撤回，请重新认定；已生成的线索不受影响，请按线索办理。"))
    return redirect("discovery:linkage_pair", pair_id=pair_id)


@require_POST
@may("discovery.link")
def reveal(request: HttpRequest, pair_id: int, field: str) -> HttpResponse:
    """A whole number of the department's row, after its access record is committed."""
    if field not in ("number", "phone"):
        raise Http404
    found = get_object_or_404(LinkagePair, pk=pair_id)
    audit.record_access(what="reveal", subject="linkage_pair", subject_id=found.pk, area=found.area, field=field)
    return HttpResponse(format_html('<span class="rv">{}</span>', numbers.plain(found.number if field == "number" else found.phone) or ui.NOTHING))
