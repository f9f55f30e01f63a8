"""Reads of discovery for pages and panels."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch.datasets import CONTRACTS
from doudi.batch.indicators import INDICATORS
from doudi.core import freetext, measures, places
from doudi.core.models import Duty, Posting
from doudi.core.prepared import prepared
from doudi.core.templatetags import ui
from doudi.discovery.models import Channel, Delivery, Lead, LeadEvent, LeadReferral
from doudi.discovery.services.assigning import WORKERS
from doudi.registry.models import Household, Programme

STATE_COLOURS: dict[str, str] = {
    Lead.State.NEW: "orange",
    Lead.State.ASSIGNED: "",
    Lead.State.CONTACTED: "",
    Lead.State.VERIFIED: "purple",
    Lead.State.HELPED: "green",
    Lead.State.NOT_IN_NEED: "gray",
    Lead.State.REFERRED: "gray",
    Lead.State.UNREACHABLE: "red",
}
URGENCY_COLOURS: dict[str, str] = {Lead.Urgency.RED: "red", Lead.Urgency.ORANGE: "orange", Lead.Urgency.YELLOW: "unv"}

MOST_POSTINGS = 400

def indicator_title(code: str) -> str:
    """The indicator in words; leads that people report have none."""
    return _(INDICATORS[code].title_zh) if code in INDICATORS else str(Channel(code).label) if code in Channel.values else code


def indicator_choices() -> list[tuple[str, str]]:
    return [(code, _(indicator.title_zh)) for code, indicator in INDICATORS.items()]


def leads() -> QuerySet[Lead]:
    return Lead.objects.select_related("person", "household", "posting__account", "member")


def late(today: date) -> Q:
    """Leads whose next step is owed since before today."""
    return (
        Q(state__in=("new", "assigned"), contact_due__lt=today)
        | Q(state="unreachable", retry_due__lt=today)
        | Q(state="contacted", verify_due__lt=today)
    )


def state_counts() -> dict[str, int]:
    """Open leads within the scope by what is owed; one query."""
    today = timezone.localdate()
    uncontacted = Q(state__in=Lead.UNCONTACTED)
    counted: dict[str, int] = Lead.objects.filter(state__in=Lead.OPEN, merged_into=None).aggregate(
        open=Count("id"),
        new=Count("id", filter=Q(state=Lead.State.NEW)),
        waiting=Count("id", filter=uncontacted),
        contacted=Count("id", filter=Q(state=Lead.State.CONTACTED)),
        verified=Count("id", filter=Q(state=Lead.State.VERIFIED)),
        late=Count("id", filter=late(today)),
        escalated=Count("id", filter=Q(escalated__gt=0)),
        red=Count("id", filter=Q(urgency=Lead.Urgency.RED)),
    )
    return counted


WHAT = {
    "assigned": gettext_lazy("分派"),
    "merged": gettext_lazy("并入线索"),
    "escalated": gettext_lazy("督办"),
    "released": gettext_lazy("交接"),
    "identified": gettext_lazy("关联家庭"),
    "answered": gettext_lazy("部分救助"),
}


def timeline(lead: Lead) -> list[dict[str, Any]]:
    """办理记录 of a lead, the newest first; one query."""
    return [
        {
            "at": event.at,
            "title": str(WHAT[event.what]) if event.what in WHAT else Lead.State(event.after).label,
            "who": event.account.name if event.account else _("系统"),
            "note": freetext.masked(event.note),
        }
        for event in LeadEvent.objects.filter(lead=lead).select_related("account").order_by("-at", "-id")
    ]


def escalated_label(lead: Lead) -> str:
    """督办 in words, empty where there is none."""
    return str((_("乡镇督办"), _("县级督办"), _("市级督办"))[lead.escalated - 1]) if lead.escalated and lead.state in Lead.OPEN else ""


def way(lead: Lead) -> list[dict[str, Any]]:
    """The steps of a lead for `{% steps %}`: signal, contact, verification, end, with the day or the limit of each."""

    def step(label: str, at: datetime | None, due: date | None) -> dict[str, Any]:
        small = ui.day(at) if at else _("期限 %(day)s") % {"day": due} if due and not lead.closed_at else ""
        return {"label": label, "small": small, "state": "done" if at else ""}

    steps = [
        {"label": _("发现"), "small": ui.day(lead.signal_at), "state": "done"},
        step(_("首次联系"), lead.contacted_at, lead.contact_due),
        step(_("核实"), lead.verified_at, lead.verify_due),
        step(lead.get_state_display() if lead.closed_at else _("救助或办结"), lead.closed_at, None),  # type: ignore[attr-defined]
    ]
    if not lead.closed_at:
        waiting = next(each for each in steps if not each["state"])
        waiting["state"] = "bad" if lead.due and lead.due < timezone.localdate() else "now"
    return steps


def about(lead: Lead) -> list[tuple[Any, Any]]:
    """What is known of a lead and of whom it concerns, numbers aside."""
    rows: list[tuple[Any, Any]] = [
        (_("对象"), lead.shown_name or _("未留姓名")),
        (_("所在村（社区）"), ui.area_name(lead.area)),
        (_("线索编号"), lead.number),
        (_("线索来源"), lead.get_channel_display()),  # type: ignore[attr-defined]
        (_("办理人"), f"{lead.posting.account.name}（{Duty(lead.posting.duty).label}）" if lead.posting else _("乡镇经办人")),
        (_("办理期限"), ui.due(lead.due) if lead.due else ui.NOTHING),
    ]
    if lead.need:
        rows.append((_("需求类别"), lead.get_need_display()))  # type: ignore[attr-defined]
    if lead.residence_area:
        rows.append((_("现住地"), ui.area_name(lead.residence_area)))
    if lead.registered_area:
        rows.append((_("户籍地"), ui.area_name(lead.registered_area)))
    if lead.address:
        rows.append((_("现住址"), freetext.masked(str(lead.address))))
    if lead.member:
        rows.append((_("报告人"), f"{lead.member.name}（{lead.member.get_kind_display()}）"))
    if lead.attempts:
        rows.append((_("未联系上"), _("%(count)d 次") % {"count": lead.attempts}))
    return rows


def told_numbers(lead: Lead) -> list[str]:
    """What was told of a lead and of what was merged into it, and the notes on it, where whole phone or ID numbers stand: what a page masks. Two queries."""
    merged = Lead.objects.filter(merged_into=lead).order_by("-signal_at", "-id")[:50]
    texts = [text for each in (lead, *merged) for text in (each.reason, each.detail, each.address)]
    texts += LeadEvent.objects.filter(lead=lead).order_by("-at", "-id").values_list("note", flat=True)
    return freetext.with_numbers(texts)


def signals(lead: Lead) -> list[Lead]:
    """What was merged into a lead, the newest first; one query."""
    found = list(Lead.objects.filter(merged_into=lead).select_related("person", "household").order_by("-signal_at", "-id")[:50])
    for each in found:
        each.title = indicator_title(each.indicator) if each.run_id else freetext.masked(each.reason)  # type: ignore[attr-defined]
        each.urgency_colour = URGENCY_COLOURS[each.urgency]  # type: ignore[attr-defined]
        each.colour = STATE_COLOURS[each.state]  # type: ignore[attr-defined]
    return found


def postings_for(lead: Lead, *, on: date) -> list[tuple[int, str]]:
    """Whom a lead can be given to: people posted today in its village, its place of stay, their township; the nearest first."""
    near = {lead.area, lead.area[:9], *filter(None, [lead.residence_area])}
    rows = Posting.objects.filter(
        Q(ends__isnull=True) | Q(ends__gt=on), starts__lte=on, duty__in=WORKERS, area__gte=lead.area[:9], area__lt=lead.area[:9] + ":"
    ) | Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), starts__lte=on, duty__in=WORKERS, area__in=near)
    found = list(rows.select_related("account").order_by("area", "duty", "id")[:200])
    places.preload(each.area for each in found)
    found.sort(key=lambda each: (each.area not in near, -len(each.area), each.duty))
    return [(each.pk, f"{each.account.name}　{Duty(each.duty).label}　{places.name(each.area)}") for each in found]


def referral_standing(row: LeadReferral) -> tuple[str, str]:
    """How a referral stands: words and colour."""
    words = {"returned": (_("已退回"), "red"), "taken": (_("办理中"), ""), "waiting": (_("待签收"), "orange")}
    found = words.get(row.standing)
    return found or (str(Lead.State(row.standing).label), STATE_COLOURS[row.standing])


def postings_below(area: str, *, on: date) -> list[tuple[int, str]]:
    """Whom leads of a list can be given to: people posted at `area` or below today, by place; the first MOST_POSTINGS."""
    held = Posting.objects.filter(Q(ends__isnull=True) | Q(ends__gt=on), starts__lte=on, duty__in=WORKERS, area__gte=area, area__lt=area + ":")
    found = list(held.select_related("account").order_by("area", "duty", "id")[:MOST_POSTINGS])
    places.preload(each.area for each in found)
    return [(each.pk, f"{places.name(each.area)}　{each.account.name}　{Duty(each.duty).label}") for each in found]


def mine(posting_id: int) -> QuerySet[Lead]:
    """Open leads that a posting has, the most urgent day first."""
    return leads().filter(posting=posting_id, merged_into=None, state__in=(*Lead.UNCONTACTED, Lead.State.CONTACTED)).order_by("contact_due", "id")


def of_household(household: Household) -> QuerySet[Lead]:
    return Lead.objects.filter(household=household, merged_into=None)


@prepared
def _latest(household: int) -> QuerySet[Lead]:
    return of_household(Household(pk=household)).select_related("person").order_by("-signal_at")[:20]


def household_panel(request: HttpRequest, household: Household) -> dict[str, Any] | None:
    found = _latest(household.pk)
    for lead in found:
        lead.colour = STATE_COLOURS[lead.state]  # type: ignore[attr-defined]
        lead.title = indicator_title(lead.indicator)  # type: ignore[attr-defined]
    return {"leads": found} if found else None


def dashboard_card(request: HttpRequest) -> dict[str, Any]:
    """Open leads within the scope by state of their clock; one query."""
    counted = state_counts()
    url = reverse("discovery:leads")
    figures = [
        {"label": _("未办结线索"), "value": f"{counted['open']:,}", "unit": _("条"), "url": f"{url}?state=open"},
        {"label": _("待首次联系"), "value": f"{counted['waiting']:,}", "unit": _("条"), "url": f"{url}?state=uncontacted"},
        {"label": _("超期未办"), "value": f"{counted['late']:,}", "unit": _("条"), "url": f"{url}?late=on"},
        {"label": _("红色预警"), "value": f"{counted['red']:,}", "unit": _("条"), "url": f"{url}?urgency=red&state=open"},
    ]
    return {"figures": figures}


# Figures that comparison computes; columns of the departments' own are named by their contract.
FIGURES = {
    "own_cost": gettext_lazy("个人负担（元）"),
    "total_cost": gettext_lazy("总费用（元）"),
    "visits": gettext_lazy("结算次数"),
    "last_on": gettext_lazy("最近结算日期"),
    "income_year": gettext_lazy("家庭年收入（元）"),
    "income_month": gettext_lazy("家庭月收入（元）"),
    "standard": gettext_lazy("保障标准（元/月）"),
    "household_alive": gettext_lazy("家庭人数"),
    "wage": gettext_lazy("月均工资（元）"),
    "last_month": gettext_lazy("最近月份"),
    "dwellings": gettext_lazy("住房（套）"),
    "birth_date": gettext_lazy("出生日期"),
    "died_on": gettext_lazy("死亡日期"),
    "own_income": gettext_lazy("本人月收入（元）"),
    "left_month": gettext_lazy("其余成员月收入（元）"),
    "event": gettext_lazy("新情况"),
    "happened_on": gettext_lazy("发生日期"),
    "refused_on": gettext_lazy("不予确认的月份"),
    "last_contact": gettext_lazy("最近走访日期"),
    "dead": gettext_lazy("已死亡的父母（人）"),
    "held": gettext_lazy("服刑、戒毒、失联等的父母（人）"),
    "unable": gettext_lazy("重残或重病的父母（人）"),
    "base": gettext_lazy("月均缴存基数（元）"),
    "taxed": gettext_lazy("月均应税收入（元）"),
    "undeclared": gettext_lazy("比台账多出（元/月）"),
    "total": gettext_lazy("家庭金融资产合计（元）"),
}


def points_to(programme: str) -> Any:
    """What a lead's indicator suggests: a programme's name, relief, care, or a check of what is paid ("" where it suggests nothing)."""
    if programme in Programme.values:
        return Programme(programme).label
    return {"temporary": _("临时救助"), "care": _("走访关爱服务"), "review": _("核对在享待遇")}.get(programme, "")


def evidence_rows(lead: Lead) -> list[tuple[Any, Any]]:
    """Evidence in words for the page: what the department's row said, and from which delivery it came."""
    if "dataset" not in lead.evidence:
        return []
    contract = CONTRACTS.get(lead.evidence["dataset"])
    rows: list[tuple[Any, Any]] = [(_("数据来源"), f"{_(contract.department_zh)}　{_(contract.name_zh)}" if contract else _("救助家庭台账"))]
    for name, value in lead.evidence.items():
        if name == "linked":
            rows.append((_("人员认定"), _("原数据无可用身份证号，经人工核查认定") if value == "same" else _("原数据无可用身份证号，由系统关联，请先核对身份")))
        if name in ("dataset", "delivery", "row", "linked") or value in (None, ""):
            continue
        column = next((each for each in contract.columns if each.name == name), None) if contract else None
        label = FIGURES.get(name) or (_(column.header_zh) if column else name)
        if column is not None and column.labels:
            value = _(str(column.labels.get(str(value), value)))
        elif column is not None and column.type == "division":
            value = "".join(places.path(str(value))) or value
        elif column is not None and column.type == "month":
            value = str(value)[:7]
        rows.append((label, f"{value:,.2f}" if isinstance(value, float) else value))
    if lead.evidence.get("row"):
        rows.append((_("原文件行号"), lead.evidence["row"]))
    return rows


def taken_in() -> QuerySet[Delivery]:
    """1.1: departments' files taken in."""
    return Delivery.objects.filter(state=Delivery.State.ACCEPTED)


def deliveries_figure(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("批数据")


def compared_leads() -> QuerySet[Lead]:
    """1.2: leads from comparison."""
    return Lead.objects.filter(run__isnull=False)


def leads_figure(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("条线索")


def contacted_in_time() -> QuerySet[Lead]:
    """1.5: leads whose first contact was made by its day."""
    return Lead.objects.filter(contacted_at__isnull=False, contacted_at__date__lte=F("contact_due"))


def contacted() -> QuerySet[Lead]:
    """1.5: leads with a first contact."""
    return Lead.objects.filter(contacted_at__isnull=False)


def in_time_figure(numbers: measures.Numbers) -> tuple[str, str]:
    """1.5: share of first contacts made by their day."""
    return measures.share(numbers["in_time"], numbers["contacted"]), _("按时联系") if numbers["contacted"] else _("尚无首次联系")
