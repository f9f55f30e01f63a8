"""Whether a person wants messages on their phone (退订)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from doudi.core import duties
from doudi.core.models import MessageOptOut
from doudi.core.services.messages import opt_in, opt_out
from doudi.core.views.access import may
from doudi.registry.models import Person


def panel(request: HttpRequest, person: Person) -> dict[str, Any] | None:
    """The person page's card; none for the dead."""
    if person.died_on:
        return None
    out = MessageOptOut.objects.filter(person_id=person.pk, ended_at__isnull=True).first()
    return {"person": person, "out": out, "may_change": duties.may("messages.optout")}


@require_POST
@may("messages.optout")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(Person, pk=pk)
    if request.POST.get("want") == "1":
        opt_in(person_id=person.pk, now=timezone.now())
        messages.success(request, _("已恢复接收短信。"))
    else:
        opt_out(person_id=person.pk, area=person.area, reason=request.POST.get("reason", ""), now=timezone.now())
        messages.success(request, _("已登记：不再向此人发送短信。"))
    return redirect("registry:person", pk)
