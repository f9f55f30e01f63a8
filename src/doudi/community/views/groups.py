"""The area's own groups (自定关爱对象)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.community import services
from doudi.community.forms import DefinitionForm, EndForm
from doudi.community.models import GroupDefinition
from doudi.community.procedures import CHILD_AGE, DISABILITY_GRADE, OLD_AGE
from doudi.core import duties
from doudi.core.forms import errors_into
from doudi.core.settings_overlay import settings_at
from doudi.core.views.access import may


def conditions(row: GroupDefinition) -> str:
    """What makes somebody belong to a group, in words."""
    words = [str(row.get_fact_display())] if row.fact else []
    words += [str(row.get_programme_display())] if row.programme else []
    if row.age_from is not None and row.age_to is not None:
        words.append(_("%(low)d 至 %(high)d 周岁") % {"low": row.age_from, "high": row.age_to})
    elif row.age_from is not None:
        words.append(_("满 %(low)d 周岁") % {"low": row.age_from})
    elif row.age_to is not None:
        words.append(_("%(high)d 周岁以下") % {"high": row.age_to})
    return "，".join(words) or _("只能手工列入")


@may("community.view")
def groups(request: HttpRequest) -> HttpResponse:
    """The groups of the measure as they hold here, the area's own, and the form that adds one."""
    area, on = request.scope.area, timezone.localdate()  # type: ignore[attr-defined]
    form = None
    if request.method == "POST":
        duties.require("community.groups")
    if duties.may("community.groups"):
        form = DefinitionForm(request.POST or None, initial={"starts": on, "area": area})
        if request.method == "POST" and form.is_valid():
            try:
                made = services.define_group(**form.cleaned_data, on=on, now=timezone.now())
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已设立“%(name)s”。") % {"name": made.name})
                return redirect("community:groups")
    get = settings_at("procedure.community.", area, on)
    fixed = [
        (_("孤寡独居老人"), _("满 %(age)d 周岁，独自居住、没有法定赡养义务人或者分散供养的特困人员") % {"age": int(get(OLD_AGE))}),
        (_("孤儿"), _("登记为孤儿或享受孤儿基本生活费，不在机构养育")),
        (_("事实无人抚养儿童"), _("登记为事实无人抚养或享受基本生活补贴，不在机构养育")),
        (_("农村留守儿童"), _("不满 %(age)d 周岁，家中 18 至 59 周岁的成年人都外出务工") % {"age": int(get(CHILD_AGE))}),
        (_("残疾人"), _("残疾等级为一级至 %(grade)d 级") % {"grade": int(get(DISABILITY_GRADE))}),
    ]
    own = GroupDefinition.objects.select_related("made_by").order_by("ends", "area", "id")[:200]
    context = {"fixed": fixed, "own": [(row, conditions(row), request.scope.covers(row.area) and row.ends is None) for row in own], "form": form, "on": on}  # type: ignore[attr-defined]
    return render(request, "community/groups.html", context, status=422 if form is not None and form.errors else 200)


@require_POST
@may("community.groups")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("“停用日期”不正确；请重新填写。"))
        return redirect("community:groups")
    try:
        made = services.end_group(group_id=pk, ends=form.cleaned_data["ends"], on=timezone.localdate(), now=timezone.now())
        messages.success(request, _("“%(name)s”自 %(day)s 起停用。") % {"name": made.name, "day": made.ends})
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("community:groups")
