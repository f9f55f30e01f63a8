"""The side menu: sections in the order of the field's own words, entries that the rooms add, each seen by the duties that may use it.

A room fills it in its `AppConfig.ready()` or in `<room>/menu.py`, which core imports at start-up:

    menu.add("discovery", _("救助线索"), "discovery:leads", act="discovery.view", order=10)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from doudi.core import duties

# section -> (label, icon)
SECTIONS: dict[str, tuple[str | Promise, str]] = {
    "workbench": (_("工作台"), "squares-2x2"),
    "discovery": (_("主动发现"), "magnifying-glass"),
    "households": (_("救助家庭"), "home"),
    "enrolment": (_("救助办理"), "document-text"),
    "relief": (_("急难救助"), "bolt"),
    "payments": (_("资金发放"), "banknotes"),
    "minors": (_("未成年人保护"), "shield-check"),
    "institutions": (_("民政服务机构"), "building-office-2"),
    "community": (_("社区关爱"), "heart"),
    "volunteering": (_("社会力量"), "user-group"),
    "reports": (_("统计分析"), "chart-bar"),
    "settings": (_("标准与参数"), "adjustments-horizontal"),
    "system": (_("系统管理"), "cog-6-tooth"),
}


@dataclass(frozen=True)
class Entry:
    section: str
    label: str | Promise
    url_name: str
    act: str | None
    order: int


@dataclass
class Shown:
    """A section as one duty sees it on one page."""

    label: str | Promise
    icon: str
    url: str
    open: bool = False
    current: bool = False
    entries: list[tuple[str | Promise, str, bool]] = field(default_factory=list)


_entries: list[Entry] = []


@cache
def _address(url_name: str, _prefix: str) -> str:
    return reverse(url_name)


def add(section: str, label: str | Promise, url_name: str, act: str | None, order: int = 100) -> None:
    """Add an entry. `act` (see `duties.MAY`) decides who sees it; None: everybody with a posting. Unknown names raise KeyError."""
    if section not in SECTIONS:
        raise KeyError(section)
    if act is not None and act not in duties.MAY:
        raise KeyError(act)
    entry = Entry(section, label, url_name, act, order)
    if entry not in _entries:
        _entries.append(entry)


def shown(request: HttpRequest) -> list[Shown]:
    """The sections that the acting duty sees; the entry whose address is the longest beginning of the page's own is current."""
    visible = sorted((entry for entry in _entries if entry.act is None or duties.may(entry.act)), key=lambda entry: entry.order)
    prefix = get_script_prefix()
    urls = {entry.url_name: _address(entry.url_name, prefix) for entry in visible}
    matching = [entry for entry in visible if request.path == (url := urls[entry.url_name]) or (url != "/" and request.path.startswith(url))]
    here = max(matching, key=lambda entry: len(urls[entry.url_name]), default=None)
    by_section: dict[str, list[Entry]] = {}
    for entry in visible:
        by_section.setdefault(entry.section, []).append(entry)
    sections = []
    for code, (label, icon) in SECTIONS.items():
        inside = by_section.get(code)
        if not inside:
            continue
        opened = here is not None and here.section == code
        section = Shown(label=label, icon=icon, url=urls[inside[0].url_name], open=opened, current=opened and len(inside) == 1)
        if opened and len(inside) > 1:
            section.entries = [(entry.label, urls[entry.url_name], entry is here) for entry in inside]
        sections.append(section)
    return sections
