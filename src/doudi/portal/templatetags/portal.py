"""Small pieces of the public pages."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from doudi.portal import places

register = template.Library()


@lru_cache(maxsize=1)
def _all() -> str:
    groups = places.counties()
    if not groups:
        raise LookupError("no divisions")  # not remembered
    return "".join(
        format_html('<optgroup label="{}">{}</optgroup>', city, format_html_join("", '<option value="{}">{}</option>', inside)) for city, inside in groups
    )


@register.simple_tag
def county_options(chosen: str = "") -> SafeString:
    """All counties of the province by city, as options of a select; drawn once by each process."""
    try:
        drawn = _all()
    except LookupError:
        return mark_safe("")
    return mark_safe(drawn.replace(f'value="{chosen}"', f'value="{chosen}" selected') if places.county_of(chosen) else drawn)
