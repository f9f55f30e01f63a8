"""Reads of sweeps for pages: all sweeps, progress by place, what was answered, the visitor's own list."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Avg, Count, Exists, IntegerField, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, freetext, places
from doudi.core.measures import Numbers
from doudi.core.models import Todo
from doudi.core.prepared import prepared
from doudi.core.templatetags import ui
from doudi.discovery import visit_queries
from doudi.discovery.models.sweeps import Sweep, SweepAnswer, SweepConflict, SweepEntry, SweepEvent, SweepPlace, SweepQuestion
from doudi.discovery.services.sweep_answers import options_of, read_conflict
from doudi.discovery.services.visits import Result, result_of
from doudi.discovery.sweep_catalogue import NO, YES, Kind
from doudi.registry.models import Household
from doudi.registry.queries import shown_name

STATE_COLOURS = {"open": "", "closed": "green", "cancelled": "gray"}
ENTRY_COLOURS = {"listed": "", "absent": "orange", "done": "green", "refused": "orange", "left": "gray", "unreached": "red"}
FIGURES = ("listed", "open", "done", "found", "absent", "refused", "late", "left", "unreached", "nobody")


def _count(**filters: Any) -> Coalesce:
    rows = SweepEntry.objects.filter(sweep=OuterRef("pk"), **filters).order_by().values("sweep").annotate(n=Count("id")).values("n")
    return Coalesce(Subquery(rows, output_field=IntegerField()), 0)


def sweeps() -> QuerySet[Sweep]:
    """Sweeps that concern the scope, with how many households are listed and still open there."""
    here = Exists(SweepPlace.objects.filter(sweep=OuterRef("pk")))
    return Sweep.objects.filter(here).annotate(listed=_count(), waiting=_count(state__in=SweepEntry.OPEN))


def when(sweep: Sweep, on: date) -> tuple[str, str]:
    """(words, colour) of where a sweep stands on a day."""
    if sweep.state == Sweep.State.OPEN and on < sweep.starts:
        return _("未开始"), "gray"
    if sweep.state == Sweep.State.OPEN and on > sweep.ends:
        return _("已到期，待办结"), "red"
    return str(sweep.get_state_display()), STATE_COLOURS[sweep.state]  # type: ignore[attr-defined]


def _end_of(sweep: Sweep) -> datetime:
    return timezone.make_aware(datetime.combine(sweep.ends + timedelta(days=1), time()))


def _figures(sweep: Sweep, on: date) -> dict[str, Count]:
    """Households listed (`left` ones aside), open, done, with a need found, absent, refused, late (still open or answered after the last day)."""
    late = Q(done_at__gte=_end_of(sweep), state__in=("done", "refused"))
    if on > sweep.ends:
        late |= Q(state__in=(*SweepEntry.OPEN, "unreached"))
    return {
        "listed": Count("id", filter=~Q(state="left")),
        "open": Count("id", filter=Q(state__in=SweepEntry.OPEN)),
        "done": Count("id", filter=Q(state="done")),
        "found": Count("id", filter=Q(lead__isnull=False)),
        "absent": Count("id", filter=Q(state="absent")),
        "refused": Count("id", filter=Q(state="refused")),
        "late": Count("id", filter=late),
        "left": Count("id", filter=Q(state="left")),
        "unreached": Count("id", filter=Q(state="unreached")),
        "nobody": Count("id", filter=Q(state__in=SweepEntry.OPEN, posting__isnull=True)),
    }


def progress(sweep: Sweep, *, area: str, on: date) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(rows of the divisions directly below `area`, their sum); one query."""
    length = {2: 4, 4: 6, 6: 9}.get(len(area), 12)
    rows: list[Any] = list(
        SweepEntry.objects.filter(sweep=sweep, area__gte=area, area__lt=area + ":")
        .annotate(place=Left("area", length))
        .values("place")
        .annotate(**_figures(sweep, on))
        .order_by("place")
    )
    places.preload(row["place"] for row in rows)
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in FIGURES}
    for row in (*rows, total):
        answered = row["done"] + row["refused"]
        row["name"] = places.name(row["place"]) if "place" in row else ""
        row["share"] = f"{answered / row['listed']:.0%}" if row["listed"] else "—"
    return rows, total


def answers_of(sweep: Sweep, *, area: str) -> list[dict[str, Any]]:
    """What was answered to each question below `area`: words and counts, or least, mean and most; two queries."""
    counted: dict[int, list[Any]] = defaultdict(list)
    rows = (
        SweepAnswer.objects.filter(question__sweep=sweep, area__gte=area, area__lt=area + ":", text__isnull=True)
        .values("question", "choice")
        .annotate(n=Count("id"), mean=Avg("number"), least=Min("number"), most=Max("number"))
    )
    for row in rows:
        counted[row["question"]].append(row)
    found = []
    for question in sweep.questions.filter(kind__in=(Kind.YESNO, Kind.CHOICE, Kind.NUMBER)):
        lines: list[tuple[str, str]] = []
        if question.kind == Kind.NUMBER:
            for row in counted[question.pk]:
                words = _("%(count)s 户，最少 %(least)s，平均 %(mean).1f，最多 %(most)s")
                lines.append(("", words % {"count": row["n"], "least": int(row["least"]), "mean": row["mean"], "most": int(row["most"])}))
        else:
            numbers = {row["choice"]: row["n"] for row in counted[question.pk]}
            lines = [(label, _("%(count)s 户") % {"count": numbers.get(code, 0)}) for code, label in words_of(question)]
        found.append({"label": question.label, "lines": lines})
    return found


def words_of(question: SweepQuestion) -> list[tuple[str, str]]:
    """(code, words) of the answers that a question allows."""
    return [(YES, _("是")), (NO, _("否"))] if question.kind == Kind.YESNO else options_of(question)


def _word(question: SweepQuestion, choice: str, number: Any, text: Any) -> str:
    if number is not None:
        return f"{int(number)}"
    return freetext.masked(str(text)) if text else dict(words_of(question)).get(choice, choice)


def entry_rows(entry: SweepEntry) -> list[tuple[str, str]]:
    """What was recorded of one household, as (label, words)."""
    result = Result.from_json(str(entry.result)) if entry.result else result_of(entry.visit) if entry.visit else None
    rows = [(label, words) for label, words, _name in visit_queries.rows_of(result) if words] if result else []
    found = SweepAnswer.objects.filter(entry=entry).select_related("question").order_by("question__position")
    return rows + [(each.question.label, _word(each.question, each.choice, each.number, each.text)) for each in found]


def conflict_rows(conflict: SweepConflict, sweep: Sweep) -> list[tuple[str, str]]:
    result, given = read_conflict(str(conflict.content))
    rows = [(label, words) for label, words, _name in visit_queries.rows_of(result) if words]
    for question in sweep.questions.all():
        if value := given.get(question.pk):
            number = value.split(".")[0] if question.kind == Kind.NUMBER else None
            rows.append((question.label, _word(question, value, number, value if question.kind == Kind.TEXT else None)))
    return rows


def told_numbers(entry: SweepEntry) -> list[str]:
    """Texts of a household's answers, and of those that contradict them, where whole phone or ID numbers stand: what the page masks. Two queries."""
    result = Result.from_json(str(entry.result)) if entry.result else result_of(entry.visit) if entry.visit else None
    texts: list[str | None] = [result.note, result.witness] if result else []
    texts += [str(each.text) if each.text else None for each in SweepAnswer.objects.filter(entry=entry).order_by("id")]
    for conflict in SweepConflict.objects.filter(entry=entry).order_by("received_at"):
        other, given = read_conflict(str(conflict.content))
        texts += [other.note, other.witness, *given.values()]
    return freetext.with_numbers(texts)


def timeline(events: QuerySet[SweepEvent], most: int = 60) -> list[dict[str, Any]]:
    """Steps for `{% timeline %}`, the latest first."""
    return [
        {"at": each.at, "title": each.get_what_display(), "who": each.account.name if each.account else _("系统"), "note": each.note}  # type: ignore[attr-defined]
        for each in events.select_related("account").order_by("-at", "-id")[:most]
    ]


def change_open(entry: SweepEntry) -> Todo | None:
    """The to-do that waits for the township to register what changed."""
    return Todo.objects.filter(subject="sweep_entry", subject_id=entry.pk, kind="sweep.change", done_at__isnull=True).first()


# --- the visitor ----------------------------------------------------------------------------------------------------


@dataclass
class Mine:
    """One running sweep on the visitor's phone."""

    sweep: Sweep
    done: int = 0
    waiting: int = 0
    cards: list[visit_queries.Card] = field(default_factory=list)

    @property
    def all(self) -> int:
        return self.done + self.waiting

    @property
    def hidden(self) -> int:
        """Households that wait beyond what one page shows."""
        return self.waiting - len(self.cards)


def mine(*, posting_id: int | None, area: str, on: date) -> list[Mine]:
    """Running sweeps of a village with the households that wait, in walking order; None: everybody's. A few queries, whatever the number."""
    waiting = list(visit_queries.sweep_entries(posting_id, on)[: visit_queries.MOST])
    found: dict[int, Mine] = {}
    for sweep in sweeps().filter(state=Sweep.State.OPEN, starts__lte=on).order_by("ends", "id"):
        found[sweep.pk] = Mine(sweep)
    cards: dict[Any, list[visit_queries.Card]] = defaultdict(list)
    for entry in waiting:
        if entry.sweep_id in found:
            card = visit_queries.Card(
                name=shown_name(entry.name), household_id=entry.household_id, sweep=entry,
                address=str(entry.household.address or "") if entry.household else "",
            )  # fmt: skip
            found[entry.sweep_id].cards.append(card)
            cards[entry.household_id].append(card)
    people: dict[Any, visit_queries.Card] = {key: each[0] for key, each in cards.items()}
    visit_queries.people_into(people, on)
    for key, several in cards.items():
        for card in several:
            card.size, card.age, card.phone, card.last = people[key].size, people[key].age, people[key].phone, people[key].last
            if card.sweep and card.sweep.state == "absent":
                card.tags.append((_("上次未见到人"), "orange"))
            if card.sweep and card.sweep.sweep.ends < on:
                card.tags.append((_("逾期"), "red"))
            if card.sweep and card.last and card.last.done_at and timezone.localdate(card.last.done_at) >= card.sweep.sweep.starts:
                card.tags.append((_("已走访，待补问卷"), "green"))
    counted = SweepEntry.objects.filter(sweep__in=found)
    if posting_id is not None:
        counted = counted.filter(Q(posting=posting_id) | Q(posting__isnull=True))
    for row in counted.values("sweep").annotate(
        done=Count("id", filter=Q(state__in=("done", "refused"))), waiting=Count("id", filter=Q(state__in=SweepEntry.OPEN))
    ):
        found[row["sweep"]].done, found[row["sweep"]].waiting = row["done"], row["waiting"]
    for each in found.values():
        each.cards.sort(key=lambda card: visit_queries.walking_order(card.address))
    return [each for each in found.values() if each.all]


def on_paper(*, sweep_id: int, area: str, on: date, most: int) -> list[visit_queries.Card]:
    """The households of a village that wait, or stay there, in walking order; at most `most`. Three queries."""
    rows = SweepEntry.objects.filter(sweep=sweep_id, state__in=SweepEntry.OPEN, household__isnull=False).select_related("household")
    found: dict[Any, visit_queries.Card] = {}
    for entry in rows.filter(Q(area=area, residence_area__isnull=True) | Q(residence_area=area)).order_by("id"):
        address = str(entry.household.address or "") if entry.household else ""
        found[entry.household_id] = visit_queries.Card(name=shown_name(entry.name), household_id=entry.household_id, sweep=entry, address=address)
    visit_queries.people_into(found, on)
    return sorted(found.values(), key=lambda card: visit_queries.walking_order(card.address))[:most]


# --- other pages ----------------------------------------------------------------------------------------------------


def of_household(household: Household) -> QuerySet[SweepEntry]:
    return SweepEntry.objects.filter(household=household, sweep__isnull=False)


@prepared
def _latest(household: int) -> QuerySet[SweepEntry]:
    return of_household(Household(pk=household)).select_related("sweep", "recorder", "posting__account").order_by("-sweep__starts", "-id")[:10]


def household_panel(request: HttpRequest, household: Household) -> dict[str, Any] | None:
    """The sweeps that listed a household, the latest first; one query."""
    found = _latest(household.pk)
    for entry in found:
        entry.colour = ENTRY_COLOURS[entry.state]  # type: ignore[attr-defined]
        entry.link = reverse(  # type: ignore[attr-defined]
            "discovery:sweep_record" if entry.state in SweepEntry.OPEN and duties.may("sweeps.answer") else "discovery:sweep_entry", args=[entry.pk]
        )
    return {"entries": found} if found else None


def about_sweep(sweep: Sweep, groups: str) -> list[tuple[str, Any]]:
    covered = list(sweep.places.values_list("area", flat=True))
    rows: list[tuple[str, Any]] = [
        (_("排查时间"), f"{ui.day(sweep.starts)} — {ui.day(sweep.ends)}"),
        (_("开展单位"), ui.area_name(sweep.area)),
        (_("排查范围"), "、".join(places.name(area) for area in covered[:20]) + ("…" if len(covered) > 20 else "")),
        (_("排查对象"), _("全部在册家庭") if sweep.everybody else groups),
        (_("依据"), sweep.document or ui.NOTHING),
        (_("开展"), f"{sweep.opened_by.name}　{ui.day(sweep.opened_at)}"),
    ]
    if sweep.closed_at:
        rows.append(
            (
                _("办结") if sweep.state == Sweep.State.CLOSED else _("取消"),
                f"{sweep.closed_by.name if sweep.closed_by else ''}　{ui.day(sweep.closed_at)}",
            )
        )
        if sweep.reason:
            rows.append((_("说明"), sweep.reason))
    return rows


def answered() -> QuerySet[SweepEntry]:
    """1.6: households answered for in sweeps of the last ninety days."""
    return SweepEntry.objects.filter(state__in=("done", "refused"), done_at__gte=timezone.now() - timedelta(days=90))


def sweep_figure(numbers: Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("户已排查（近90天）")


def running(on: date) -> list[dict[str, Any]]:
    """Open sweeps of the scope with their figures, for `doudi sweeps`; one query for each."""
    rows = []
    for sweep in Sweep.objects.filter(state=Sweep.State.OPEN).order_by("ends", "id"):
        figures = SweepEntry.objects.filter(sweep=sweep).aggregate(**_figures(sweep, on))
        rows.append({"sweep": sweep.pk, "title": sweep.title, "area": sweep.area, "starts": sweep.starts, "ends": sweep.ends, **figures})
    return rows


def village_rows(sweep_id: int) -> QuerySet[SweepEntry]:
    """Households of a sweep with what a list shows of them."""
    return SweepEntry.objects.filter(sweep=sweep_id).select_related("posting__account", "recorder", "lead")
