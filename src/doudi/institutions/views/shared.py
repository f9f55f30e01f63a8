"""What the pages of institutions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from doudi.core import places
from doudi.core.forms import errors_into
from doudi.core.lists import AreaFilter, PlaceField, PlaceSelect
from doudi.institutions.models import Institution

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def found(pk: int) -> Institution:
    """The house, if the reader sees it."""
    row = Institution.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def below(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
    """Rows below a place named by its code, with a dash behind it those of the place itself (`410122-`).

    A code that is none finds nothing: a number must not open another list.
    """
    if not code:
        return rows
    alone, code = code.endswith("-"), code.removesuffix("-")
    if not (code.isascii() and code.isdigit() and len(code) in (2, 4, 6, 9, 12)):
        return rows.none()
    return rows.filter(area=code) if alone else rows.filter(area__gte=code, area__lt=code + ":")


class _OwnSelect(PlaceSelect):
    """Shows a place itself too, where a number of the overview asked for it alone."""

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if str(value).endswith("-"):
            label = _("%(place)s本级") % {"place": places.name(str(value)[:-1])}
        return super().create_option(name, value, label, *args, **kwargs)


class _OwnField(PlaceField):
    """Takes any text: `below` finds nothing for what is no place, where an error would open the whole list."""

    def valid_value(self, value: Any) -> bool:
        return True


class PlaceFilter(AreaFilter):
    """The divisions directly below the reader's own; by a link also one further down, or with a dash a place itself (see `below`)."""

    field_class = _OwnField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=_OwnSelect, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        return below(qs, value or "")


def workbook(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "private, no-store"
    return response


def told(request: HttpRequest, form: forms.Form) -> None:
    """What is wrong with a small form, as messages."""
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for error in errors:
            messages.error(request, f"{label}：{error}" if label else str(error))


def do(request: HttpRequest, call: Callable[[], Any], done: str, where: Any, *args: Any, form: forms.Form | None = None) -> HttpResponse:
    """Run one service for a button or a small form, say what came of it, go back to a page."""
    if form is None or form.is_valid():
        try:
            call()
        except ValidationError as error:
            if form is None:
                for text in error.messages:
                    messages.error(request, text)
            else:
                errors_into(form, error)
        else:
            messages.success(request, done)
    if form is not None:
        told(request, form)
    return redirect(where, *args)


def page_number(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1
