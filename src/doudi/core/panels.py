"""Panels and actions that rooms below add to pages of rooms above, and the cards of the dashboard.

The household page belongs to the registry and knows nothing of payments; payments adds its panel:

    panels.add("household", _("发放记录"), household_lines, "payments/_household_lines.html", act="payments.view", order=40, tab="money")
    panels.action("household", _("测算待遇"), lambda request, household: reverse("assessment:run", args=[household.pk]), act="assessment.run")
    panels.dashboard(_("本月发放"), month_figures, "payments/_dashboard.html", act="payments.view", order=20)

A loader returns the template's context, or None where there is nothing to show. It runs under the reader's scope and must bound its queries.
A panel that shows nothing where it has no rows says which (`there`): one query asks for all panels of a page whether there are any, and only those
that have some are loaded. It is put into words once for everybody (`core/prepared.py`): it may use the record's id alone, and what only some may see
is left out by the loader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Exists, Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from doudi.core import duties
from doudi.core.prepared import prepared

Loader = Callable[[HttpRequest, Any], dict[str, Any] | None]
Rows = Callable[[Any], QuerySet[Any]]


@dataclass(frozen=True, eq=False)
class Panel:
    page: str
    title: str | Promise
    loader: Loader
    template: str
    act: str | None
    order: int
    tab: str
    place: str
    there: Rows | None


@dataclass(frozen=True)
class Action:
    page: str
    label: str | Promise
    url: Callable[[HttpRequest, Any], str | None]
    act: str | None
    order: int
    style: str
    drawer: bool


@dataclass(frozen=True)
class Card:
    title: str | Promise
    loader: Callable[[HttpRequest], dict[str, Any] | None]
    template: str
    act: str | None
    order: int
    wide: bool
    bare: bool


@dataclass(frozen=True)
class Rendered:
    title: str | Promise
    html: SafeString
    wide: bool = False
    bare: bool = False


_panels: list[Panel] = []
_actions: list[Action] = []
_cards: list[Card] = []


def _known(act: str | None) -> None:
    if act is not None and act not in duties.MAY:
        raise KeyError(act)


def _visible(act: str | None) -> bool:
    return act is None or duties.may(act)


def add(
    page: str, title: str | Promise, loader: Loader, template: str, *, act: str | None, order: int = 100, tab: str = "", place: str = "main",
    there: Rows | None = None,
) -> None:  # fmt: skip
    """Add a panel to `page`. `tab` puts it behind a tab of that page; `place` is `main` or `side`; without rows `there` it is not loaded."""
    _known(act)
    _panels.append(Panel(page, title, loader, template, act, order, tab, place, there))


def action(
    page: str,
    label: str | Promise,
    url: Callable[[HttpRequest, Any], str | None],
    *,
    act: str | None,
    order: int = 100,
    style: str = "",
    drawer: bool = False,
) -> None:
    """Add a button to the head of `page`. `url` returns None where the action does not apply; `style` is ``, `pri` or `dan`."""
    _known(act)
    _actions.append(Action(page, label, url, act, order, style, drawer))


def dashboard(
    title: str | Promise,
    loader: Callable[[HttpRequest], dict[str, Any] | None],
    template: str,
    *,
    act: str | None,
    order: int = 100,
    wide: bool = False,
    bare: bool = False,
) -> None:
    """Add a card to the dashboard of every duty that may `act`. `bare`: the template brings its own card (a row of figures)."""
    _known(act)
    _cards.append(Card(title, loader, template, act, order, wide, bare))


@cache
def _asking(model: type[Model], asking: tuple[Panel, ...]) -> Callable[[int], list[dict[str, bool]]]:
    """Asks a record of this kind which of the panels have rows."""

    @prepared
    def ask(pk: int) -> QuerySet[Any, dict[str, bool]]:
        record = model(pk=pk)
        asked = {f"p{at}": Exists(panel.there(record)) for at, panel in enumerate(asking) if panel.there is not None}
        return model._default_manager.filter(pk=pk).annotate(**asked).values(*asked)

    return ask


def _with_rows(wanted: list[Panel], obj: Any) -> list[Panel]:
    """The panels that have something to show of a record, as far as they say; one query for all."""
    asking = tuple(panel for panel in wanted if panel.there is not None)
    if len(asking) < 2:
        return wanted
    found = _asking(type(obj), asking)(obj.pk)[0]  # type: ignore[arg-type]
    none = {panel for at, panel in enumerate(asking) if not found[f"p{at}"]}
    return [panel for panel in wanted if panel not in none]


def of(page: str, request: HttpRequest, obj: Any, *, tab: str = "", place: str = "main") -> list[Rendered]:
    """The panels of a page that the acting duty sees, rendered."""
    wanted = [each for each in sorted(_panels, key=lambda each: each.order) if (each.page, each.tab, each.place) == (page, tab, place) and _visible(each.act)]
    result = []
    for panel in _with_rows(wanted, obj):
        context = panel.loader(request, obj)
        if context is not None:
            result.append(Rendered(panel.title, render_to_string(panel.template, context, request)))
    return result


def tabs(page: str) -> dict[str, str | Promise]:
    """Tabs of a page that have a panel for the acting duty, in order: name of the tab -> title of its first panel."""
    found: dict[str, str | Promise] = {}
    for panel in sorted(_panels, key=lambda panel: panel.order):
        if panel.page == page and panel.tab and _visible(panel.act):
            found.setdefault(panel.tab, panel.title)
    return found


def actions(page: str, request: HttpRequest, obj: Any) -> list[tuple[str | Promise, str, str, bool]]:
    """(label, url, style, opens in the drawer) of the actions that apply."""
    found = []
    for entry in sorted(_actions, key=lambda entry: entry.order):
        if entry.page == page and _visible(entry.act):
            url = entry.url(request, obj)
            if url:
                found.append((entry.label, url, entry.style, entry.drawer))
    return found


def dashboard_cards(request: HttpRequest) -> list[Rendered]:
    """The dashboard's cards of the acting duty, rendered."""
    result = []
    for card in sorted(_cards, key=lambda card: card.order):
        if _visible(card.act):
            context = card.loader(request)
            if context is not None:
                result.append(Rendered(card.title, render_to_string(card.template, context, request), card.wide, card.bare))
    return result
