"""Places for the public pages: chosen step by step with links, so that a phone without script gets as far as any other."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Division

Group = tuple[str, list[tuple[str, str]]]
_counties: list[Group] = []
_known: dict[str, bool] = {}
MOST_KNOWN = 60_000  # every division of the province


@dataclass(frozen=True)
class Place:
    """A place that was chosen: `code` of county, township or village; `below` what can be chosen further."""

    code: str
    name: str
    county: str
    below: list[tuple[str, str]]


def counties() -> list[Group]:
    """(city, [(code, name)]) of all counties; read once by each process, since codes do not change in place."""
    if not _counties:
        rows = list(Division.objects.filter(level__in=("city", "county"), ends__isnull=True).order_by("code").values_list("code", "name"))
        cities = {code: name for code, name in rows if len(code) == 4}
        found: dict[str, list[tuple[str, str]]] = {code: [] for code in cities}
        for code, name in rows:
            if len(code) == 6 and code[:4] in cities:
                found[code[:4]].append((code, name))
        _counties.extend((cities[code], inside) for code, inside in found.items() if inside)
    return _counties


def exists(code: str) -> bool:
    """Whether a county, township or village of this code exists today. What was found is remembered: anybody may ask anything."""
    if len(code) not in (6, 9, 12) or not code.isascii() or not code.isdigit() or not code.startswith(places.PROVINCE):
        return False
    if code not in _known:
        found = Division.objects.filter(code=code, ends__isnull=True).exists()
        if not found or len(_known) > MOST_KNOWN:
            return found
        _known[code] = True
    return True


def county_of(code: str) -> str:
    """The code itself where it is a county that exists, else nothing."""
    return code if len(code) == 6 and exists(code) else ""


def place(code: str) -> Place | None:
    """The place of a code with what lies directly below; None for anything that is no county, township or village."""
    if not exists(code):
        return None
    below = [] if len(code) == 12 else places.children(code)
    return Place(code=code, name=said(code), county=code[:6], below=below)


def said(code: str) -> str:
    """Names from the city down, without the province."""
    return " ".join(places.path(code, above=2)) or _("全省")


def machine(area: str, *acts: str) -> scopes.Scope:
    """The scope under which a public page works: one place, as a machine that may do what is named and nothing else."""
    return scopes.Scope(area=area, duty=duties.WORKER, page="portal", acts=frozenset(acts))
