"""The place picker: villages of the scope by name or pinyin initials."""

from __future__ import annotations

import re

from django.db.models import Q
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.views.decorators.http import require_GET

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.models import Division
from doudi.core.views.access import with_posting

MOST = 30
PASSED_TO = (Division.Level.COUNTY, Division.Level.TOWNSHIP, Division.Level.VILLAGE)


@require_GET
@with_posting
def find(request: HttpRequest) -> HttpResponse:
    """Options of a `datalist` for what was typed into the field that `field` names: a code, pinyin initials, or a part of a name.

    Villages (or, with `level`, divisions of that level) of the reader's own area that exist today; with `wide` counties, townships and villages of
    the whole province, to which something can be passed on.
    """
    typed = request.GET.get(request.GET.get("field", "q"), "").strip()[:40]
    level = request.GET.get("level", Division.Level.VILLAGE)
    if not typed or level not in Division.Level.values:
        return HttpResponse("")
    scope = scopes.current()
    wide = "wide" in request.GET
    if wide:
        rows = Division.objects.filter(level__in=PASSED_TO, ends__isnull=True)
    else:
        rows = Division.objects.filter(code__gte=scope.low, code__lt=scope.high, level=level, ends__isnull=True)
    if typed.isdigit():
        rows = rows.filter(code__gte=typed, code__lt=typed + ":")
    elif re.fullmatch("[A-Za-z0-9]+", typed):
        letters = typed.lower()
        rows = rows.filter(initials__gte=letters, initials__lt=letters + "\U0010ffff")
    else:
        rows = rows.filter(Q(name__contains=typed) | Q(parent__name__contains=typed))
    order = (Length("code"), "code") if wide else ("code",)
    found = [code for (code,) in rows.order_by(*order).values_list("code")[:MOST]]
    places.preload(found)
    return HttpResponse(format_html_join("\n", '<option value="{}">{}</option>', ((code, " ".join(places.path(code, above=2 if wide else 4))) for code in found)))
