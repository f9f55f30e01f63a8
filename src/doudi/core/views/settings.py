"""标准与参数: every parameter by date and place, with its source, whether it is verified, and its history."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doudi.batch.law.settings import ParameterInfo, ParameterRow, list_parameters
from doudi.batch.law.uses import used_in
from doudi.core import charts, duties, places
from doudi.core import scope as scopes
from doudi.core.forms import DayInput
from doudi.core.models import Setting
from doudi.core.models.divisions import ancestors
from doudi.core.parameters import CHOICES, PROCEDURES, UNITS, shown_value
from doudi.core.services import settings as service
from doudi.core.views.access import may

GROUPS = {
    "dibao": gettext_lazy("最低生活保障"),
    "marginal": gettext_lazy("低保边缘家庭"),
    "rigid_expenditure": gettext_lazy("刚性支出困难家庭"),
    "tekun": gettext_lazy("特困人员"),
    "children": gettext_lazy("儿童"),
    "disability": gettext_lazy("残疾人两项补贴"),
    "temporary": gettext_lazy("临时救助"),
    "price_linkage": gettext_lazy("物价联动机制"),
    "prices": gettext_lazy("价格指数"),
    "minimum_wage": gettext_lazy("最低工资"),
    "procedure": gettext_lazy("办理期限"),
    "procedure.indicator": gettext_lazy("预警指标"),
}
@lru_cache(maxsize=1)
def law_parameters() -> dict[str, ParameterInfo]:
    """The package's own parameters; they change with the package only."""
    found = {parameter.name: parameter for parameter in list_parameters()}
    with override(settings.LANGUAGE_CODE):  # kept for every reader: each page translates
        labels = {name: str(procedure.label) for name, procedure in PROCEDURES.items()}
    for procedure in PROCEDURES.values():
        row = ParameterRow(places.PROVINCE, "", "", str(procedure.default), procedure.unit, procedure.source, not procedure.verified, "", False)
        found[procedure.name] = ParameterInfo(procedure.name, labels[procedure.name], "", procedure.unit, (), False, "", "county", (row,))
    return found


class ProposalForm(forms.Form):
    starts = forms.DateField(label=gettext_lazy("自"), widget=DayInput())
    value = forms.CharField(label=gettext_lazy("新值"), max_length=200)
    document = forms.CharField(label=gettext_lazy("来源文件"), max_length=200, help_text=gettext_lazy("文号，例如 获政文〔2022〕31号"))
    note = forms.CharField(label=gettext_lazy("说明"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, parameter: ParameterInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if parameter.choices:
            self.fields["value"] = forms.ChoiceField(label=_("新值"), choices=[(name, CHOICES.get(name, name)) for name in parameter.choices])
        elif parameter.unit == "switch":
            self.fields["value"] = forms.ChoiceField(label=_("新值"), choices=[("1", _("是")), ("0", _("否"))])
        else:
            self.fields["value"].label = f"{_('新值')}（{UNITS.get(parameter.unit, parameter.unit)}）"
        self.order_fields(["starts", "value", "document", "note"])


def _area_choices(acting: scopes.Scope) -> list[tuple[str, str]]:
    """Places whose rows can be looked at: one's own line up to the province, and the places directly below."""
    own = [code for code in ancestors(acting.area) if len(code) <= 6]
    below = places.children(own[-1]) if len(own[-1]) < 6 else []
    return [(code, "".join(places.path(code, above=2)) or places.name(code)) for code in own] + below


def _table(parameter: ParameterInfo, area: str) -> list[dict[str, Any]]:
    """Rows of the law and of the settings of the places from the province down to `area`, grouped by place, newest first."""
    wanted = [code for code in ancestors(area) if len(code) <= 6]
    rows: list[dict[str, Any]] = [
        {
            "area": row.area,
            "starts": row.start,
            "value": row.value,
            "source": row.reference,
            "verified": not row.unverified,
            "unit": row.unit,
            "setting": None,
        }
        for row in parameter.rows
        if row.area in wanted
    ]
    for setting in Setting.objects.filter(parameter=parameter.name, area__in=ancestors(area)).select_related("proposed_by", "decided_by"):
        rows.append(
            {
                "area": setting.area,
                "starts": setting.starts.isoformat(),
                "value": setting.value,
                "source": setting.document,
                "verified": setting.state == "confirmed",
                "unit": parameter.unit,
                "setting": setting,
            }
        )
    for row in rows:
        row["shown"] = shown_value(row["value"], row["unit"])
    rows.sort(key=lambda row: row["starts"], reverse=True)
    rows.sort(key=lambda row: (len(row["area"]), row["area"]))
    by_place = {code: list(found) for code, found in groupby(rows, key=lambda row: row["area"])}
    return [{"area": code, "rows": by_place.get(code, [])} for code in sorted({*wanted, *by_place}, key=lambda code: (len(code), code))]


def _numbers(rows: list[dict[str, Any]], state: str | None) -> list[tuple[date, Decimal]]:
    """Dated numbers for the chart: rows in force (state None: those of the law, and confirmed), or those proposed."""
    found = []
    for row in rows:
        setting = row["setting"]
        if (setting.state if setting else None) not in ((None, "confirmed") if state is None else (state,)):
            continue
        try:
            found.append((date.fromisoformat(row["starts"]), Decimal(str(row["value"]))))
        except (InvalidOperation, ValueError):
            continue
    return found


def _chart(parameter: ParameterInfo, table: list[dict[str, Any]], on: date) -> str:
    """The history of the nearest place that has values of its own."""
    for group in reversed(table):
        known = _numbers(group["rows"], None)
        if known:
            planned = [pair for other in table for pair in _numbers(other["rows"], "proposed")]
            return charts.step_chart(known, title=f"{_(parameter.label)}　{places.name(group['area'])}", until=on, planned=planned)
    return ""


def current_value(parameter: ParameterInfo, table: list[dict[str, Any]], on: date) -> dict[str, Any] | None:
    """The row that counts at the last place of the table: the nearest place's newest one that has begun; where the province's value
    is a floor and newer, the greater of the two."""

    def newest(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
        begun = (row for row in rows if row["starts"] <= on.isoformat() and (row["setting"] is None or row["setting"].state == "confirmed"))
        return next(begun, None)

    found = next((row for group in reversed(table) if (row := newest(group["rows"]))), None)
    province = newest(table[0]["rows"]) if table else None
    if found and province and parameter.floor and province["starts"] > found["starts"]:
        return max(found, province, key=lambda row: float(Fraction(str(row["value"]))))
    return found


def _group(name: str) -> str:
    return "procedure.indicator" if name.startswith("procedure.indicator.") else name.split(".")[0]


def _list(search: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The parameters by group with the state of each, and how many are verified, not verified, still empty."""
    open_by_name = dict(
        Setting.objects.filter(state="proposed", area__in=ancestors(scopes.current().area)).values_list("parameter").annotate(Count("pk"))
    )
    confirmed = set(Setting.objects.filter(state="confirmed").values_list("parameter", flat=True).distinct())
    groups: dict[str, list[dict[str, Any]]] = {}
    counts = {"verified": 0, "unverified": 0, "empty": 0}
    for parameter in law_parameters().values():
        if not parameter.rows and parameter.name not in confirmed:
            state = "empty"
        elif any(row.unverified for row in parameter.rows):
            state = "unverified"
        else:
            state = "verified"
        counts[state] += 1
        if search and search.lower() not in _(parameter.label).lower() and search not in parameter.label and search not in parameter.name:
            continue
        head = _group(parameter.name)
        groups.setdefault(head, []).append(
            {"name": parameter.name, "label": _(parameter.label), "state": state, "open": open_by_name.get(parameter.name, 0)}
        )
    order = list(GROUPS)
    ordered = sorted(groups.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0]))
    return [{"label": GROUPS.get(head, _("其他")), "entries": items} for head, items in ordered], counts


def _context(request: HttpRequest) -> dict[str, Any]:
    acting = scopes.current()
    groups, counts = _list(request.GET.get("q", "").strip())
    name = request.GET.get("parameter") or (groups[0]["entries"][0]["name"] if groups else "dibao.standard.urban")
    parameter = law_parameters().get(name)
    if parameter is None:
        raise Http404
    on = timezone.localdate()
    choices = _area_choices(acting)
    area = request.GET.get("area", "")
    if area not in dict(choices):
        area = [code for code in ancestors(acting.area) if len(code) <= 6][-1]
    table = _table(parameter, area)
    proposals = list(Setting.objects.filter(parameter=name, state="proposed", area=acting.area).select_related("proposed_by").order_by("starts"))
    current = current_value(parameter, table, on)
    for proposal in proposals:
        proposal.shown = shown_value(proposal.value, parameter.unit)  # type: ignore[attr-defined]
    return {
        "propose_url": reverse("setting_propose", args=[name]), "groups": groups, "counts": counts, "total": len(law_parameters()),
        "q": request.GET.get("q", ""), "parameter": parameter,
        "unit": UNITS.get(parameter.unit, parameter.unit), "table": table, "area": area, "areas": choices, "proposals": proposals, "current": current,
        "used_in": used_in(name), "chart": _chart(parameter, table, on), "group_label": GROUPS.get(_group(name), _("其他")),
        "may_propose": duties.may("settings.propose"), "may_confirm": duties.may("settings.confirm"), "open_count": len(proposals),
    }  # fmt: skip


@require_GET
@may("settings.view")
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "doudi/pages/settings.html", _context(request))


def _page(name: str) -> str:
    return f"{reverse('settings')}?parameter={name}"


@require_http_methods(["GET", "POST"])
@may("settings.propose")
def propose(request: HttpRequest, name: str) -> HttpResponse:
    parameter = law_parameters().get(name)
    if parameter is None:
        raise Http404
    form = ProposalForm(request.POST or None, parameter=parameter)
    if request.method == "POST" and form.is_valid():
        try:
            service.propose_setting(parameter=name, area=scopes.current().area, now=timezone.now(), **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已提出，待本级另一名工作人员确认。"))
            return redirect(_page(name))
    return render(request, "doudi/pages/setting_propose.html", {"form": form, "parameter": parameter, "unit": UNITS.get(parameter.unit, "")})


@require_POST
@may("settings.view")
def decide(request: HttpRequest, setting_id: int) -> HttpResponse:
    """Confirm, send back or withdraw."""
    action, note, now = request.POST.get("action"), request.POST.get("note", ""), timezone.now()
    row = Setting.objects.filter(pk=setting_id).first()
    if row is None:
        raise Http404
    try:
        if action == "confirm":
            if {"amount", "date", "number"} - set(request.POST.getlist("checked")):
                raise ValidationError(_("请逐项对照原件：金额、生效日期、文号。"))
            service.confirm_setting(setting_id=setting_id, now=now)
            messages.success(request, _("已确认，自 %(day)s 生效。") % {"day": row.starts.isoformat()})
        elif action == "refuse":
            service.refuse_setting(setting_id=setting_id, note=note, now=now)
            messages.success(request, _("已退回。"))
        elif action == "withdraw":
            service.withdraw_setting(setting_id=setting_id, note=note, now=now)
            messages.success(request, _("已撤回。"))
        else:
            raise Http404
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect(_page(row.parameter))
