"""The directory of public services of a place (本地服务)."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.community import services as acts
from doudi.community.forms import EndForm, ServiceForm
from doudi.community.models import PlaceService
from doudi.core import duties, places
from doudi.core.forms import errors_into
from doudi.core.lists import page_of
from doudi.core.views.access import may


@may("community.view")
def services(request: HttpRequest) -> HttpResponse:
    """What help people find here, as cards print it, and the form that adds an entry."""
    on, form = timezone.localdate(), None
    if request.method == "POST":
        duties.require("community.services")
    if duties.may("community.services"):
        form = ServiceForm(request.POST or None, initial={"starts": on})
        if request.method == "POST" and form.is_valid():
            try:
                made = acts.add_service(**form.cleaned_data, on=on, now=timezone.now())
            except ValidationError as error:
                errors_into(form, error)
            else:
                messages.success(request, _("已登记“%(name)s”；内容有变化的明白卡已列入待重印。") % {"name": made.name})
                return redirect("community:services")
    number = request.GET.get("page", "1")
    rows = PlaceService.objects.filter(ends__isnull=True).order_by("area", "kind", "id")
    page = page_of(rows, int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1, 50)
    places.preload(row.area for row in page.rows)
    context = {"page": page, "rows": [(row, form is not None and request.scope.covers(row.area)) for row in page.rows], "form": form, "on": on}  # type: ignore[attr-defined]
    return render(request, "community/services.html", context, status=422 if form is not None and form.errors else 200)


@require_POST
@may("community.services")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("“停用日期”不正确；请重新填写。"))
        return redirect("community:services")
    try:
        made = acts.end_service(service_id=pk, ends=form.cleaned_data["ends"], on=timezone.localdate(), now=timezone.now())
        messages.success(request, _("“%(name)s”自 %(day)s 起停用。") % {"name": made.name, "day": made.ends})
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("community:services")
