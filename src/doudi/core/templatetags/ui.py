"""Template tags and filters of the page frame (built in: no `load` needed). Shown with sample data on /components/."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import heroicons
from django import template
from django.conf import settings
from django.contrib.messages import get_messages
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, Form, RadioSelect
from django.http import QueryDict
from django.middleware.csrf import get_token
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_htmx.jinja import htmx_script as load_htmx

from doudi.batch import idnumber
from doudi.batch.law.sources import in_chinese
from doudi.core import freetext, places
from doudi.core import panels as panel_registry
from doudi.core.models import Duty
from doudi.core.parameters import UNITS, shown_value

register = template.Library()

NOTHING = "—"
COLOURS = {"", "orange", "green", "red", "purple", "gray", "unv"}


# --- filters -------------------------------------------------------------------------------------------------------


@register.filter
def money(value: Any, places_after: int = 2) -> str:
    """1234.5 -> 1,234.50; None -> a dash."""
    if value is None or value == "":
        return NOTHING
    try:
        return f"{Decimal(value):,.{places_after}f}".replace("-", "−")
    except (InvalidOperation, TypeError):
        return str(value)


@register.filter
def change(value: Any) -> str:
    """A difference with its sign: +4,992.00, −12.00, 0.00."""
    if value is None:
        return NOTHING
    return ("+" if value > 0 else "") + money(value)


@register.filter
def count(value: Any) -> str:
    """12192 -> 12,192; None -> a dash."""
    return NOTHING if value is None or value == "" else f"{value:,}"


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """0.9531 -> 95.3%."""
    return NOTHING if value is None else f"{value * 100:.{digits}f}%"


@register.filter
def mask_id(value: str | None) -> str:
    """4101**********1234."""
    return idnumber.mask_id(value) if value else NOTHING


@register.filter
def mask_name(value: str | None) -> str:
    """王*明."""
    return idnumber.mask_name(value) if value else NOTHING


@register.filter
def mask_phone(value: str | None) -> str:
    """138****5678."""
    return idnumber.mask_phone(value) if value else NOTHING


@register.filter
def masked(value: str | None) -> str:
    """Free text with its phone and ID numbers masked."""
    return freetext.masked(value) if value else ""


@register.filter
def tail(value: str | None) -> str:
    """Of a bank account only the end: 尾号 6789."""
    return _("尾号 %(digits)s") % {"digits": value[-4:]} if value else NOTHING


@register.filter
def area_name(code: str | None) -> str:
    """Place in words from the county down: 获嘉县冯庄镇冯庄村; of a city or province its own name."""
    if not code:
        return NOTHING
    return "".join(places.path(code, above=4)) or places.name(code)


@register.filter
def area_short(code: str | None) -> str:
    """The division's own name."""
    return places.name(code) if code else NOTHING


@register.filter
def area_path(code: str | None) -> str:
    """河南省 / 新乡市 / 获嘉县."""
    return " / ".join(places.path(code)) if code else NOTHING


@register.filter
def day(value: date | datetime | None) -> str:
    """2022-11-25; a moment as 2022-11-25 15:32, local time."""
    if not value:
        return NOTHING
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M") if timezone.is_aware(value) else value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat()


@register.filter
def due(value: date | datetime | None) -> SafeString | str:
    """A day, or an hour of one, by which something must be done; marked when it has passed or is near."""
    if not value:
        return NOTHING
    if isinstance(value, datetime):
        last, late = timezone.localtime(value).date(), value < timezone.now()
    else:
        last, late = value, value < timezone.localdate()
    left, shown = (last - timezone.localdate()).days, day(value)
    if left > 3:
        return shown
    if late:
        words = _("超期 %(days)d 天") % {"days": -left} if left else _("已超期")
    else:
        words = _("还有 %(days)d 天") % {"days": left} if left else _("今天到期")
    return format_html("{} {}", shown, status_tag(words, "red" if late else "orange"))


@register.filter
def month(value: date | None) -> str:
    """2022-12 as 2022年12月."""
    return _("%(year)d年%(month)d月") % {"year": value.year, "month": value.month} if value else NOTHING


@register.filter
def until(value: date | None) -> date | None:
    """The last day before an end that does not count itself: an award that ends with 2022-12-01 is paid until November."""
    return value - timedelta(days=1) if value else None


@register.filter
def duty_name(value: str | None) -> str:
    """Name of a duty by its code."""
    return str(Duty(value).label) if value in Duty.values else value or NOTHING


@register.filter
def unit(code: str) -> str:
    """yuan/person/month in words; anything else as it stands."""
    return str(UNITS.get(code, code))


@register.filter
def param_value(value: Any, code: str) -> str:
    """The value of a parameter in words: 630.00, 0.3, by bands, yes."""
    return shown_value(value, code)


@register.filter
def source_words(reference: str) -> str:
    """The source of a figure of the law, in the reader's language."""
    return reference if get_language() == "en" else in_chinese(reference)


@register.filter
def declared(text: str) -> str:
    """A text of the rooms without Django (labels of the law, of datasets and indicators) in the reader's language."""
    return _(text) if text else ""


# --- small pieces ---------------------------------------------------------------------------------------------------


@register.simple_tag
@cache
def icon(name: str, size: int = 17) -> SafeString:
    """An outline icon (heroicons) by its name; decorative, hidden from readers of screens."""
    svg = heroicons._render_icon("outline", str(name) + "", size, {"class": "ic", "aria-hidden": "true"})
    return mark_safe(svg.replace(' data-slot="icon"', ""))


@register.simple_tag(takes_context=True)
def htmx_script(context: Context) -> str:
    return load_htmx(version=2, minified=not settings.DEBUG)


@register.simple_tag(name="tag")
def status_tag(text: Any, colour: str = "") -> SafeString:
    """A coloured status tag. Colours: none (blue), orange (waits), green (good), red (bad), purple, gray, unv (not verified)."""
    if colour not in COLOURS:
        raise template.TemplateSyntaxError(f"no tag colour {colour!r}")
    return format_html('<span class="tag {}">{}</span>', colour, text)


@register.simple_tag
def note(text: Any, colour: str = "blue") -> SafeString:
    """A line that tells something: blue, orange, red or green."""
    name = {"blue": "information-circle", "green": "check-circle"}.get(colour, "exclamation-triangle")
    return format_html(
        '<div class="note {}"{}>{}<div>{}</div></div>', colour, mark_safe(' role="alert"') if colour == "red" else "", icon(name), text
    )


@register.inclusion_tag("doudi/c/steps.html")
def steps(items: Sequence[Any], label: str = "") -> dict[str, Any]:
    """Steps of a case: dicts with `label`, `state` (done, now, bad or empty), optional `small`, `small2`."""
    return {"items": items, "label": label or _("办理环节")}


@register.inclusion_tag("doudi/c/timeline.html")
def timeline(items: Sequence[Any]) -> dict[str, Any]:
    """What happened, newest first: dicts with `at`, `title`, optional `who`, `note`."""
    return {"items": items}


@register.inclusion_tag("doudi/c/desc.html")
def desc(rows: Sequence[Any], columns: int = 2) -> dict[str, Any]:
    """Description list of (label, value) or (label, value, True for a full-width row)."""
    return {"rows": [(row[0], row[1], len(row) > 2 and row[2]) for row in rows], "one": columns == 1}


@register.inclusion_tag("doudi/c/figs.html")
def figs(items: Sequence[Any]) -> dict[str, Any]:
    """A row of figures: dicts with `label`, `value`, optional `unit`, `note`, `url`."""
    return {"items": items}


@register.inclusion_tag("doudi/c/empty.html")
def empty(title: str, hint: str = "", url: str = "", action: str = "") -> dict[str, Any]:
    """Nothing here: what that means and what to do next."""
    return {"title": title, "hint": hint, "url": url, "action": action}


@register.inclusion_tag("doudi/c/progress.html", takes_context=True)
def progress(context: Context, task: Any) -> dict[str, Any]:
    """A background task (a TaskProgress row) that refreshes itself until it ends."""
    live = task.pk is not None and task.state in ("waiting", "running")
    # what came of it is for whoever asked: another duty may not open the page
    mine = task.pk is not None and task.account_id == context["request"].user.pk
    return {"task": task, "live": live, "mine": mine, "csrf_token": get_token(context["request"])}


@register.simple_tag
def drawer(url: str) -> SafeString:
    """Attributes of a link that opens in the drawer: `<a {% drawer url %}>详情</a>`; a plain link without scripts."""
    return format_html('href="{0}" hx-get="{0}" hx-target="#drawer-body"', url)


@register.simple_tag(takes_context=True)
def reveal(context: Context, url: str, masked: str, label: str = "") -> SafeString:
    """A masked value with the button that shows it whole: POST to `url`, whose service writes the access record first."""
    return format_html(
        '<span class="rv"><span>{}</span><form method="post" action="{}" hx-post="{}" hx-target="closest .rv" hx-swap="outerHTML">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}"><button class="lnk noprint">{}</button></form></span>',
        masked,
        url,
        url,
        get_token(context["request"]),
        label or _("查看完整信息"),
    )


def revealed(texts: Iterable[str]) -> SafeString:
    """What stands in place of `reveal` once it was asked for: the texts whole."""
    return format_html('<div class="rv">{}</div>', format_html_join("", "<p>{}</p>", ((text,) for text in texts)))


# --- forms ----------------------------------------------------------------------------------------------------------


@register.inclusion_tag("doudi/c/field.html")
def field(bound: BoundField, width: str = "") -> dict[str, Any]:
    """A form field with label, help and error. `width`: w2 or w4 columns of the form grid."""
    widget = bound.field.widget
    attrs: dict[str, Any] = {}
    kind = "line"
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        kind = "choices"
    elif isinstance(widget, CheckboxInput):
        kind = "check"
    else:
        attrs["class"] = "in"
    described = [f"{bound.auto_id}_help"] if bound.help_text else []
    if bound.errors:
        attrs["aria-invalid"] = "true"
        described.append(f"{bound.auto_id}_err")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return {"bound": bound, "kind": kind, "width": width, "rendered": bound if kind == "choices" else bound.as_widget(attrs=attrs)}


@register.inclusion_tag("doudi/c/form.html")
def form_fields(form: Form) -> dict[str, Any]:
    """All fields of a form in the form grid, with the errors that belong to no field on top."""
    return {"form": form}


@register.inclusion_tag("doudi/c/upload.html", takes_context=True)
def upload(context: Context, subject: str, subject_id: int, closed: bool = False) -> dict[str, Any]:
    """Files of a record: what is there, and for those who may change the record, choose a file or take a photo. `closed`: only what is there."""
    from doudi.core import attachable
    from doudi.core.services.attachments import shown

    return {
        "request": context["request"],
        "subject": subject,
        "subject_id": subject_id,
        "csrf_token": get_token(context["request"]),
        "messages": get_messages(context["request"]) if getattr(context["request"], "htmx", False) else [],
        "fragment": getattr(context["request"], "htmx", False),
        "editable": not closed and attachable.may_change(subject, subject_id),
        "pictures_only": attachable.pictures_only(subject),
        "files": shown(subject, subject_id),
    }


# --- lists ----------------------------------------------------------------------------------------------------------


@register.inclusion_tag("doudi/c/paging.html", takes_context=True)
def paging(context: Context, page: Any) -> dict[str, Any]:
    """Links to the pages of a `lists.Page`."""
    return {"page": page, "request": context["request"]}


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """The page's own query string with changes; None removes a name."""
    values: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = str(value)
    return "?" + values.urlencode()


# --- panels of other rooms ------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def panels(context: Context, page: str, obj: Any, tab: str = "", place: str = "main") -> SafeString:
    """Cards that rooms below added to this page (doudi.core.panels)."""
    rendered = panel_registry.of(page, context["request"], obj, tab=tab, place=place)
    return format_html_join("", '<section class="card"><header><h2>{}</h2></header>{}</section>', ((panel.title, panel.html) for panel in rendered))


@register.simple_tag(takes_context=True)
def panel_actions(context: Context, page: str, obj: Any) -> SafeString:
    """Buttons that rooms below added to the head of this page."""
    return format_html_join(
        " ",
        '<a class="btn {}" {}>{}</a>',
        (
            (style, drawer(url) if in_drawer else format_html('href="{}"', url), label)
            for label, url, style, in_drawer in panel_registry.actions(page, context["request"], obj)
        ),
    )
