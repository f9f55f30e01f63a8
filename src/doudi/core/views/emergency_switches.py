"""应急措施: what is switched on where, and the two officers behind each switch."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from doudi.core import switch_queries
from doudi.core.models import Emergency, EmergencySwitch
from doudi.core.services import switches as service
from doudi.core.views.access import may
from doudi.core.views.emergencies import context_of, row_of


@require_GET
@may("emergencies.view")
def measures(request: HttpRequest) -> HttpResponse:
    """One page of what is on where: emergencies, what they bring, what is switched, with history."""
    on = timezone.localdate()
    return render(request, "doudi/pages/emergency_measures.html", {"rows": switch_queries.everywhere(on), "history": switch_queries.history(), "today": on})


@require_POST
@may("emergencies.declare")
def propose(request: HttpRequest, emergency_id: int) -> HttpResponse:
    form = switch_queries.SwitchForm(request.POST)
    if form.is_valid():
        try:
            service.propose_switch(emergency_id=emergency_id, **form.cleaned_data, now=timezone.now())
        except Emergency.DoesNotExist:
            raise Http404 from None
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("已提出，待本级另一名工作人员确认后生效。"))
            return redirect("emergency", emergency_id)
    return render(request, "doudi/pages/emergency.html", context_of(row_of(emergency_id), switch=form), status=422)


@require_POST
@may("emergencies.view")
def decide(request: HttpRequest, switch_id: int) -> HttpResponse:
    """Confirm, send back or withdraw."""
    state = {"confirm": "confirmed", "refuse": "refused", "withdraw": "withdrawn"}.get(request.POST.get("action", ""))
    row = EmergencySwitch.objects.filter(pk=switch_id).first()
    if row is None or state is None:
        raise Http404
    try:
        service.decide_switch(switch_id=switch_id, state=state, note=request.POST.get("note", ""), now=timezone.now())
        messages.success(request, {"confirmed": _("已确认。"), "refused": _("已退回。"), "withdrawn": _("已撤回。")}[state])
    except EmergencySwitch.DoesNotExist:
        raise Http404 from None
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    return redirect("emergency", row.emergency_id)
