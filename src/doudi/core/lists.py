"""The list page: query form, table, paging, export, drawer. A room declares one class:

    class LeadFilter(django_filters.FilterSet):
        name = NameFilter(label=_("姓名"))
        area = AreaFilter(label=_("地区"))
        state = django_filters.ChoiceFilter(label=_("状态"), choices=Lead.State.choices)

        class Meta:
            model = Lead
            fields: list[str] = []

    class Leads(ListPage):
        title = _("救助线索")
        act = "discovery.view"
        crumbs = [(_("主动发现"), "")]
        filters = LeadFilter
        order = ("due", "id")
        columns = [
            Column(_("姓名"), "person.name", url=lambda row: reverse("discovery:lead", args=[row.pk]), drawer=True),
            Column(_("地区"), "area", kind="area"),
            Column(_("期限"), "due", kind="day", sort="due"),
            Column(_("状态"), "get_state_display", kind="tag", colour=lambda row: COLOURS[row.state]),
            Column(_("金额"), "amount", kind="money"),
        ]

        def rows(self):
            return Lead.objects.select_related("person")

and routes it: `path("leads/", Leads.as_view(), name="leads")`. The rows are those of the reader's scope; the number of
queries does not depend on the number of rows (names of places are read at once), and no count goes beyond a ceiling.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import django_filters
import xlsxwriter
from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import FileResponse, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from doudi.core import audit, duties, places
from doudi.core import scope as scopes
from doudi.core.templatetags import ui
from doudi.core.views.access import with_posting

COUNT_CEILING = 10_000
EXPORT_CEILING = 200_000
CHUNK = 2_000
SHORT = 8  # half-widths: four Chinese characters, or a month


@dataclass(frozen=True)
class Column:
    """One column. `value` is an attribute path (`household.number`, callables are called) or a function of the row.

    `kind`: text, code (never wrapped), money, number, day, due (a day, marked when it has passed), area (from the county down), place (its own name
    only, for readers of one township), tag. `sort` names the model field that the head sorts by.
    `url` links the cell, with `drawer` into the drawer. `export=False` leaves the column out of files.
    """

    label: str | Promise
    value: str | Callable[[Any], Any]
    kind: str = "text"
    url: Callable[[Any], str | None] | None = None
    drawer: bool = False
    colour: Callable[[Any], str] | None = None
    sort: str = ""
    export: bool = True
    small: Callable[[Any], Any] | None = None

    @property
    def css(self) -> str:
        return {"money": "num", "number": "num", "day": "nw", "due": "nw", "code": "nw", "place": "nw"}.get(self.kind, "")

    def css_of(self, row: Any) -> str:
        """Of one cell: a short text (a name, a month, a state) is not broken over lines where a long one beside it takes the room."""
        if self.css or self.kind not in ("text", "area"):
            return self.css
        value = self.of(row)
        if self.kind == "area":
            value = ui.area_name(value)
        return "nw" if isinstance(value, str | Promise) and sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value)) <= SHORT else ""

    def of(self, row: Any) -> Any:
        if callable(self.value):
            return self.value(row)
        value = row
        for part in self.value.split("."):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
            if callable(value):
                value = value()
            if value is None:
                return None
        return value

    def shown(self, row: Any) -> Any:
        """The cell as HTML; text is escaped."""
        value = self.of(row)
        forms: dict[str, Callable[[Any], str]] = {"money": ui.money, "number": ui.count, "day": ui.day, "area": ui.area_name, "place": ui.area_short}
        form = forms.get(self.kind)
        text: Any = form(value) if form else (ui.NOTHING if value is None or value == "" else value)
        if self.kind == "tag" and value:
            text = ui.status_tag(value, self.colour(row) if self.colour else "")
        if self.kind == "due" and value:
            text = ui.due(value)
        url = self.url(row) if self.url else None
        if url:
            text = format_html("<a {}>{}</a>", ui.drawer(url) if self.drawer else format_html('href="{}"', url), text)
        small = self.small(row) if self.small else None
        return format_html("{}<small>{}</small>", text, small) if small else text

    def exported(self, row: Any) -> Any:
        """The cell of a file: numbers as numbers, days as days, everything else as text."""
        value = self.of(row)
        if self.kind in ("area", "place"):
            return ui.area_name(value)
        if isinstance(value, datetime):
            return ui.day(value)
        return value if isinstance(value, int | float | Decimal | date) and not isinstance(value, bool) else "" if value is None else str(value)


@dataclass(frozen=True)
class Page:
    """One page of rows. `count` is exact up to the ceiling; beyond it `more` is true and the last pages stay unnamed."""

    rows: Sequence[Any]
    number: int
    size: int
    count: int
    more: bool

    @property
    def last(self) -> int:
        return max(1, -(-self.count // self.size))

    @property
    def numbers(self) -> list[int | None]:
        """Page numbers to link, None for a gap."""
        near = sorted({1, self.last, *range(max(1, self.number - 2), min(self.last, self.number + 2) + 1)})
        out: list[int | None] = []
        for number in near:
            if out and out[-1] is not None and number > out[-1] + 1:
                out.append(None)
            out.append(number)
        return out

    @property
    def said(self) -> str:
        return _("共 1 万条以上，请缩小查询范围") if self.more else _("共 %(count)s 条") % {"count": f"{self.count:,}"}


def page_of(rows: QuerySet[Any], number: int, size: int = 20) -> Page:
    """Cut one page out of ordered rows with two queries; the number is brought into range."""
    count = rows.order_by()[: COUNT_CEILING + 1].count()
    more, count = count > COUNT_CEILING, min(count, COUNT_CEILING)
    number = max(1, min(number, -(-count // size) or 1))
    return Page(rows=list(rows[(number - 1) * size : number * size]), number=number, size=size, count=count, more=more)


def safe(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


class PlaceSelect(forms.Select):
    """Select of places that also shows one deeper down that was asked for by a link."""

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> list[Any]:
        groups = super().optgroups(name, value, attrs)
        asked = next((code for code in value if code), "")
        if asked and not any(option["selected"] for _label, options, _at in groups for option in options):
            shown = self.create_option(name, asked, " ".join(places.path(asked, above=len(scopes.current().area))) or places.name(asked), True, len(groups), attrs=attrs)
            groups.append((None, [shown], len(groups)))
        return groups


class PlaceField(django_filters.fields.ChoiceField):
    """A division directly below the reader's own; by a link, any place within it."""

    def valid_value(self, value: Any) -> bool:
        code = str(value)
        within = code.isascii() and code.isdigit() and len(code) in (2, 4, 6, 9, 12) and code.startswith(scopes.current().area)
        return within or super().valid_value(value)


class AreaFilter(django_filters.ChoiceFilter):
    """Choose one of the divisions directly below the reader's own; rows are compared by range. Numbers of other pages link to any place within."""

    field_class = PlaceField

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("choices", lambda: places.children(scopes.current().area))
        kwargs.setdefault("empty_label", gettext_lazy("全部"))
        kwargs.setdefault("widget", PlaceSelect)
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        if not value:
            return qs
        return qs.filter(**{f"{self.field_name}__gte": value, f"{self.field_name}__lt": value + ":"})


class PrefixFilter(django_filters.CharFilter):
    """Begins with: by range on a collation C column, which keeps its index under row-level security (LIKE would lose it)."""

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        value = (value or "").strip()
        if not value:
            return qs
        return qs.filter(**{f"{self.field_name}__gte": value, f"{self.field_name}__lt": value + "\U0010ffff"})


def sorted_by(rows: QuerySet[Any], sort: str) -> str | OrderBy:
    """The order that a head asks for ("-due": descending). What is empty comes last both ways; a column that is never empty keeps its index's order."""
    name = sort.removeprefix("-")
    try:
        filled = not getattr(rows.model._meta.get_field(name), "null", True)
    except FieldDoesNotExist:  # an annotation, or a field of another table
        filled = False
    return sort if filled or name == sort else F(name).desc(nulls_last=True)


class ListPage(View):
    """See the module's own words."""

    title: str | Promise = ""
    act: str | None = None
    crumbs: Sequence[tuple[str | Promise, str]] = ()
    filters: type[django_filters.FilterSet] | None = None
    columns: Sequence[Column] = ()
    order: Sequence[str] = ("-pk",)
    page_size = 20
    template = "doudi/list.html"
    exports = True
    subject = ""
    empty_title: str | Promise = ""
    empty_hint: str | Promise = ""

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def context(self) -> dict[str, Any]:
        """More for the template (a subclass of `doudi/list.html` fills the blocks `act`, `above`, `below`)."""
        return {}

    def get_columns(self) -> Sequence[Column]:
        return self.columns

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return with_posting(super().as_view(**initkwargs))

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if self.act is not None:
            duties.require(self.act)
        filterset = self.filters(request.GET, queryset=self.rows(), request=request) if self.filters else None
        rows = filterset.qs if filterset else self.rows()
        columns = self.get_columns()
        sort = request.GET.get("sort", "")
        if sort.removeprefix("-") in {column.sort for column in columns if column.sort}:
            rows = rows.order_by(sorted_by(rows, sort), "pk")
        else:
            sort, rows = "", rows.order_by(*self.order)
        kind = request.GET.get("export")
        if kind in ("csv", "xlsx") and self.exports:
            return self.export(request, rows, [column for column in columns if column.export], kind)
        number = request.GET.get("page", "1")
        page = page_of(rows, int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1, self.page_size)
        places.preload(code for row in page.rows for column in columns if column.kind in ("area", "place") and (code := column.of(row)))
        context = {
            "view": self,
            "title": self.title,
            "form": filterset.form if filterset else None,
            "filtered": any(value for name, value in request.GET.items() if name not in ("page", "sort")),
            "columns": columns,
            "page": page,
            "table": [[(column, column.shown(row), column.css_of(row)) for column in columns] for row in page.rows],
            "sort": sort,
            **self.context(),
        }
        only_rows = bool(getattr(request, "htmx", False)) and request.htmx.target == "rows"  # type: ignore[attr-defined]
        response = render(request, "doudi/c/rows.html" if only_rows else self.template, context)
        response["Vary"] = "HX-Request, HX-Target"
        return response

    def export(self, request: HttpRequest, rows: QuerySet[Any], columns: Sequence[Column], kind: str) -> HttpResponseBase:
        """The filtered rows as a file. The export is recorded before the first row leaves."""
        scope = scopes.current()
        audit.record_access(what="export", subject=self.subject or type(self).__name__.lower(), reason=str(self.title), field=kind)
        name = quote(f"{self.title}-{timezone.localdate():%Y%m%d}.{kind}")
        if kind == "csv":
            response: HttpResponseBase = StreamingHttpResponse(_csv(scope, rows, columns), content_type="text/csv; charset=utf-8")
        else:
            response = FileResponse(
                _xlsx(rows, columns, str(self.title)), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            )
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        return response


def rows_of(url_name: str, given: Sequence[tuple[str, str]] = ()) -> QuerySet[Any]:
    """The rows that a list page would show under the acting scope with its form filled in so: a number counted from them is that of its list."""
    request = HttpRequest()
    request.method, request.path, request.GET = "GET", reverse(url_name), QueryDict(urlencode(given))
    request.scope = scopes.current()  # type: ignore[attr-defined]
    page: ListPage = resolve(request.path).func.view_class()  # type: ignore[attr-defined]
    page.setup(request)
    found = page.rows()
    return page.filters(request.GET, queryset=found, request=request).qs if page.filters else found


def _csv(scope: scopes.Scope, rows: QuerySet[Any], columns: Sequence[Column]) -> Iterator[str]:
    """Lines of a CSV file, read under a scope of their own: the request's has ended when the answer streams."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def line(cells: Sequence[Any]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    yield "\ufeff" + line([column.label for column in columns])
    with scopes.acting(scope):
        for row in rows[:EXPORT_CEILING].iterator(chunk_size=CHUNK):
            yield line([safe(column.exported(row)) for column in columns])


def _xlsx(rows: QuerySet[Any], columns: Sequence[Column], title: str) -> Any:
    """A workbook written row by row to a file on disk; text stays text."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (FileResponse closes it)
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(title[:31] or "1")
    head, yuan, days = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"}), book.add_format({"num_format": "yyyy-mm-dd"})
    for at, column in enumerate(columns):
        sheet.set_column(at, at, {"money": 14, "day": 12, "area": 34}.get(column.kind, 18))
        sheet.write_string(0, at, str(column.label), head)
    for number, row in enumerate(rows[:EXPORT_CEILING].iterator(chunk_size=CHUNK), 1):
        for at, column in enumerate(columns):
            value = column.exported(row)
            if isinstance(value, int | float | Decimal):
                sheet.write_number(number, at, value, yuan if column.kind == "money" else None)
            elif isinstance(value, date):
                sheet.write_datetime(number, at, value, days)
            else:
                sheet.write_string(number, at, value)
    sheet.freeze_panes(1, 0)
    book.close()
    file.seek(0)
    return file


def joined(parts: Sequence[Any]) -> SafeString:
    """Several pieces in one cell."""
    return format_html('<span class="ops">{}</span>', format_html("{}" * len(parts), *parts))


__all__ = ["AreaFilter", "Column", "ListPage", "Page", "PrefixFilter", "joined", "page_of", "rows_of", "safe"]
