"""The public report (强制报告)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from doudi.core.models import Division
from doudi.core.public import PublicForm
from doudi.protection.models import Report
from doudi.protection.services import Told
from doudi.protection.services.reporting import WHAT
from doudi.registry.models import Sex


def counties() -> list[tuple[str, list[tuple[str, str]]]]:
    """All counties by city; one query."""
    rows = list(Division.objects.filter(level__in=("city", "county"), ends__isnull=True).order_by("code").values_list("code", "name"))
    cities = {code: name for code, name in rows if len(code) == 4}
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in cities.values()}
    for code, name in rows:
        if len(code) == 6 and code[:4] in cities:
            found[cities[code[:4]]].append((code, name))
    return [(city, inside) for city, inside in found.items() if inside]


class ReportForm(PublicForm):
    area = forms.ChoiceField(label=_("孩子所在乡镇（街道）"), choices=())
    where = forms.CharField(label=_("孩子现在在哪里"), max_length=500, help_text=_("村、小区、门牌，或学校、医院的名称"))
    harm = forms.ChoiceField(label=_("是什么情况"), choices=[(code, words) for code, (words, _c, _u) in WHAT.items()], widget=forms.RadioSelect)
    alone = forms.BooleanField(label=_("孩子现在身边没有大人照料"), required=False)
    what = forms.CharField(label=_("看到、听到的情况"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))
    child_name = forms.CharField(label=_("孩子姓名"), max_length=60, required=False, help_text=_("不清楚的可以不填"))
    age = forms.IntegerField(label=_("大约几岁"), min_value=0, max_value=17, required=False)
    sex = forms.ChoiceField(label=_("性别"), required=False, choices=[("", _("不清楚")), *Sex.choices])
    id_number = forms.CharField(label=_("孩子身份证号"), max_length=40, required=False, help_text=_("知道的填写"))
    reporter_kind = forms.ChoiceField(label=_("您是"), choices=Report.Reporter.choices)
    organisation = forms.CharField(label=_("单位名称"), max_length=200, required=False)
    reporter = forms.CharField(label=_("您的姓名"), max_length=60, required=False, help_text=_("为您保密，只有办理人员能看到"))
    phone = forms.CharField(label=_("联系电话"), max_length=30, required=False, help_text=_("需要核实时联系您"))

    def __init__(self, *args: Any, county: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        towns = Division.objects.filter(parent_id=county, ends__isnull=True).order_by("code").values_list("code", "name")
        self.fields["area"].choices = [("", _("请选择")), *towns, (county, _("不清楚"))]  # type: ignore[attr-defined]
        self.order_fields([*[name for name in self.fields if name not in ("sealed", "answer", "website")], "website", "answer", "sealed"])

    def told(self) -> Told:
        given = self.cleaned_data
        names = ("reporter_kind", "organisation", "where", "what", "harm", "reporter", "phone", "child_name", "id_number", "sex", "age", "alone")
        return Told(**{name: given[name] for name in names})
