"""The two lines of a case over time: who really cares for the minor, and who is the guardian (5.2, 5.3).

Rooms and parts of this room tell their spans by `add_source`:

    def spans(case: ProtectionCase) -> list[Span]:
        return [Span(CARE, row.starts, row.ends, row.carer, "living") for row in case.living_care.all()]

    timeline.add_source(spans)

A gap (`CaseGap`) is drawn until it ends, or until the first span of its line that begins after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest

from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.protection.models import ProtectionCase

CARE, GUARDIAN = "care", "guardian"
LABELS = {CARE: gettext_lazy("实际照料"), GUARDIAN: gettext_lazy("监护人")}
# kind -> (class of its colour, what the legend says)
KINDS = {
    "parent": ("k3", gettext_lazy("原监护人")), "gap": ("kr", gettext_lazy("无人照料、监护缺失")), "living": ("ko", gettext_lazy("临时生活照料")),
    "guardian": ("kv", gettext_lazy("临时监护")), "carer": ("kg", gettext_lazy("被委托照护人、亲属")),
}  # fmt: skip
GAP_LINE = {"alone": CARE, "guardian": GUARDIAN}
BEFORE = timedelta(days=3)


@dataclass(frozen=True)
class Span:
    """Who cares or is the guardian from when to when (`ends` None: still). `kind`: parent, gap, living, guardian, carer."""

    line: str
    starts: datetime
    ends: datetime | None
    label: str
    kind: str


@dataclass(frozen=True)
class Mark:
    """A contact, made or owed, or another day that matters."""

    at: datetime
    label: str
    done: bool


_sources: list[Callable[[ProtectionCase], Iterable[Span]]] = []


def add_source(source: Callable[[ProtectionCase], Iterable[Span]]) -> None:
    """Register who tells spans of a case; it must bound its queries."""
    if source not in _sources:
        _sources.append(source)


def spans_of(case: ProtectionCase, now: datetime) -> list[Span]:
    """All spans of both lines, in order, without overlaps of gaps with care."""
    told = sorted((span for source in _sources for span in source(case)), key=lambda span: span.starts)
    found = list(told)
    gaps = list(case.gaps.order_by("starts"))
    for gap in gaps:
        line = GAP_LINE[gap.kind]
        after = next((span.starts for span in told if span.line == line and span.starts >= gap.starts), None)
        ends = min((moment for moment in (gap.ends, after) if moment), default=None)
        found.append(Span(line, gap.starts, ends, str(gap.get_kind_display()), "gap"))
        if gap.ends and gap.how and (after is None or after > gap.ends):
            found.append(Span(line, gap.ends, after, gap.how, "carer"))
    first = min([case.opened_at, *(span.starts for span in found)]) - BEFORE
    for line in (CARE, GUARDIAN):
        own = sorted((span for span in found if span.line == line), key=lambda span: span.starts)
        edge: datetime | None = first
        for span in own:
            if edge is not None and span.starts > edge:
                found.append(Span(line, edge, span.starts, _("原监护人"), "parent"))
            edge = None if span.ends is None else max(edge or span.ends, span.ends)
            if span.ends is None:
                break
        if edge is not None:
            found.append(Span(line, edge, case.closed_at, _("原监护人"), "parent"))
    return sorted(found, key=lambda span: (span.line, span.starts))


def gap_time(spans: Iterable[Span], line: str, now: datetime) -> timedelta:
    """How long one line had a gap, until now."""
    return sum(((min(span.ends or now, now) - span.starts) for span in spans if span.line == line and span.kind == "gap" and span.starts < now), timedelta())


def words(length: timedelta) -> str:
    """9 小时 30 分, 3 天 4 小时, 20 分钟."""
    minutes = int(length.total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return _("%(days)d 天 %(hours)d 小时") % {"days": days, "hours": hours} if hours else _("%(days)d 天") % {"days": days}
    if hours:
        return _("%(hours)d 小时 %(minutes)d 分") % {"hours": hours, "minutes": rest} if rest else _("%(hours)d 小时") % {"hours": hours}
    return _("%(minutes)d 分钟") % {"minutes": rest}


def draw(case: ProtectionCase, spans: list[Span], marks: list[Mark], now: datetime) -> SafeString:
    """The picture for wide screens; phones get the same as a list."""
    width, left, right = 1140.0, 84.0, 12.0
    first = min(span.starts for span in spans)
    last = max([now + timedelta(days=10), *(mark.at + timedelta(days=2) for mark in marks), *(span.ends for span in spans if span.ends)])
    last = min(last, now + timedelta(days=120))
    whole = (last - first).total_seconds()

    def x(moment: datetime) -> float:
        return left + (width - left - right) * max(0.0, min(1.0, (moment - first).total_seconds() / whole))

    body, said = [], []
    step = max(1, (last - first).days // 9)
    day = timezone.localdate(first) + timedelta(days=1)
    while (at := datetime.combine(day, datetime.min.time(), timezone.get_current_timezone())) < last:
        body.append(f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="28" y2="150" class="grid"/><text x="{x(at):.1f}" y="166" class="ax mid">{day:%m-%d}</text>')
        day += timedelta(days=step)
    for line, y in ((CARE, 34), (GUARDIAN, 74)):
        body.append(f'<text x="0" y="{y + 20}" class="b">{escape(LABELS[line])}</text>')
        for span in spans:
            if span.line != line:
                continue
            left_, right_ = x(span.starts), x(span.ends or last)
            box = max(right_ - left_, 3.0)
            label = escape(span.label)
            body.append(f'<rect x="{left_:.1f}" y="{y}" width="{box:.1f}" height="30" rx="3" class="{KINDS[span.kind][0]}"><title>{label}</title></rect>')
            said.append(f"{LABELS[line]} {timezone.localtime(span.starts):%m-%d %H:%M} {span.label}")
            if box > 13 * len(span.label) + 8:
                body.append(f'<text x="{left_ + box / 2:.1f}" y="{y + 20}" class="mid{" inv" if span.kind == "gap" else ""}">{label}</text>')
    alone = gap_time(spans, CARE, now)
    if alone:
        start = next(span.starts for span in spans if span.line == CARE and span.kind == "gap")
        body.append(f'<text x="{min(x(start), width - 220):.1f}" y="24" class="b bad">{escape(_("无人照料"))} {escape(words(alone))}</text>')
    body.append(f'<text x="0" y="132" class="b">{escape(_("跟踪回访"))}</text>')
    ordered = sorted(marks, key=lambda mark: mark.at)
    for mark, following in zip_longest(ordered, ordered[1:]):
        place = x(mark.at)
        body.append(f'<circle cx="{place:.1f}" cy="128" r="6" class="{"k4" if mark.done else "nx"}"><title>{escape(mark.label)}</title></circle>')
        if not mark.done:  # beside its circle, or below where the next one is near
            near = following is not None and x(following.at) - place < 90
            body.append(f'<text x="{place - 34 if near else place + 10:.1f}" y="{147 if near else 132}" class="ax">{escape(mark.label)}</text>')
    here = x(now)
    day_words = escape(_("今天 %(day)s") % {"day": f"{timezone.localdate(now):%m-%d}"})
    body.append(f'<line x1="{here:.1f}" x2="{here:.1f}" y1="18" y2="150" class="lim"/><text x="{min(here + 6, width - 90):.1f}" y="14" class="b">{day_words}</text>')
    title = escape(_("实际照料和监护人随时间的变化") + "：" + "；".join(said[:20]))
    return mark_safe(f'<svg class="chart" viewBox="0 0 {width:g} 172" role="img" aria-label="{title}">{"".join(body)}</svg>')


def as_list(spans: list[Span]) -> list[dict[str, object]]:
    """The same for phones, by line."""
    return [{"label": LABELS[line], "rows": [(span, KINDS[span.kind][0]) for span in spans if span.line == line]} for line in (CARE, GUARDIAN)]


def on_day(day: date) -> datetime:
    """The middle of a day, for what has a day alone."""
    return datetime.combine(day, datetime.min.time(), timezone.get_current_timezone()) + timedelta(hours=12)
