"""Reading of community care: people with their contact and visits, contacts with their load, figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.community.models import (
    CareContact,
    CareEvent,
    CarePerson,
    ContactAbsence,
    ContactChange,
    GroupByHand,
    GroupDefinition,
    HelpCard,
    PlanVersion,
)
from doudi.community.models.groups import CareGroup
from doudi.community.services.contacts import standing_in
from doudi.core import duties, measures, numbers
from doudi.core.prepared import prepared
from doudi.core.templatetags import ui
from doudi.discovery.models import Lead, Visit
from doudi.registry.models import Person


def group_names() -> dict[str, str]:
    """Code -> name of all groups that the reader's area knows, ended ones too; one query."""
    own = {row.code: row.name for row in GroupDefinition.objects.only("id", "name")}
    return {group.value: str(group.label) for group in CareGroup} | own


def group_words(codes: Iterable[str], names: dict[str, str]) -> str:
    return "、".join(names.get(code, code) for code in codes)


def people() -> QuerySet[CarePerson]:
    """Whom the community looks after now, with contact, last visit and next due of the household, and whether the card is printed."""
    visits = Visit.objects.filter(household=OuterRef("household_id")).order_by()
    card = HelpCard.objects.filter(care=OuterRef("pk"), void_at__isnull=True)
    return (
        CarePerson.objects.filter(ends__isnull=True)
        .select_related("person", "contact")
        .annotate(
            visited_at=Subquery(visits.filter(state="done").order_by("-done_at").values("done_at")[:1]),
            next_due=Subquery(visits.filter(state__in=Visit.OPEN).values("due")[:1]),
            printed=Exists(card.filter(printed_at__isnull=False, digest=F("printed_digest"))),
        )
    )


def without_contact_first(rows: QuerySet[CarePerson]) -> QuerySet[CarePerson]:
    return rows.order_by(F("contact").asc(nulls_first=True), "area", "household_id", "id")


def month_start(on: date) -> datetime:
    return timezone.make_aware(datetime.combine(on.replace(day=1), time()))


def figures(on: date) -> list[dict[str, Any]]:
    """The community's people in the reader's area: how many, without contact, cards to print, visits overdue, comfort visits of the month; four queries."""
    url, now = reverse("community:people"), CarePerson.objects.filter(ends__isnull=True)
    counted = now.aggregate(all=Count("id"), bare=Count("id", filter=Q(contact__isnull=True)))
    missed = visit_missed(now).count()
    comfort = comfort_visits(on).count()
    shown = [
        {"label": _("关爱对象"), "value": f"{counted['all']:,}", "unit": _("人"), "url": url},
        {"label": _("未落实帮扶责任人"), "value": f"{counted['bare']:,}", "unit": _("人"), "url": f"{url}?contact=none"},
        {"label": _("走访逾期"), "value": f"{missed:,}", "unit": _("人"), "url": f"{url}?visit=late"},
        {"label": _("本月走访慰问"), "value": f"{comfort:,}", "unit": _("次")},
    ]
    if duties.may("community.cards"):
        waiting = HelpCard.objects.filter(void_at__isnull=True).exclude(digest=F("printed_digest")).count()
        shown.append({"label": _("待打印明白卡"), "value": f"{waiting:,}", "unit": _("张"), "url": reverse("community:cards")})
    return shown


def visit_missed(rows: QuerySet[CarePerson]) -> QuerySet[CarePerson]:
    """Of the people those whose household missed a visit."""
    return rows.filter(Exists(Visit.objects.filter(household=OuterRef("household_id"), state="missed")))


def comfort_visits(on: date) -> QuerySet[Visit]:
    """Comfort visits (走访慰问, 7.6) of the month: visits at which somebody of such a household was met in person."""
    homes = CarePerson.objects.filter(ends__isnull=True).values("household_id")
    return Visit.objects.filter(state="done", met__in=("self", "family"), done_at__gte=month_start(on), household_id__in=homes)


def dashboard_card(request: HttpRequest) -> dict[str, Any]:
    return {"figures": figures(timezone.localdate())}


def in_care() -> QuerySet[CarePerson]:
    return CarePerson.objects.filter(ends__isnull=True)


def with_contact() -> QuerySet[CarePerson]:
    """7.5: people in care who have a care contact."""
    return in_care().filter(contact__isnull=False)


def contact_figure(numbers: measures.Numbers) -> tuple[str, str]:
    """Share of people who have a care contact (7.5)."""
    return measures.share(numbers["with"], numbers["all"], 0), _("已落实帮扶责任人")


@prepared
def _of_household(household: int) -> QuerySet[Any]:
    return people().filter(household_id=household)


def household_panel(request: HttpRequest, household: Any) -> dict[str, Any] | None:
    """People of a household whom the community looks after; two queries."""
    rows = _of_household(household.pk)
    names = group_names() if rows else {}
    return {"rows": [(row, group_words(row.groups, names)) for row in rows]} if rows else None


def person_action(request: HttpRequest, person: Person) -> str | None:
    """Where a person's page leads: to their page of community care, or to adding them by hand."""
    row = CarePerson.objects.filter(person=person, ends__isnull=True).only("pk").first()
    if row is not None:
        return reverse("community:person", args=[row.pk])
    return reverse("community:add", args=[person.pk]) if duties.may("community.members") and not person.died_on else None


def by_hand(person_id: int) -> list[GroupByHand]:
    return list(GroupByHand.objects.filter(person=person_id, ended_at__isnull=True).select_related("made_by").order_by("-made_at"))


def timeline(row: CarePerson, names: dict[str, str]) -> list[dict[str, Any]]:
    """What happened to a person, newest first, as the timeline shows it."""
    events = CareEvent.objects.filter(care=row).select_related("account", "contact").order_by("-id")[:30]
    return [
        {
            "at": each.at, "title": str(each.get_what_display()) + (f"：{each.contact.name}" if each.contact else "")
            + (f"：{group_words(each.groups, names)}" if each.groups else ""),
            "who": each.account.name if each.account else _("系统"), "note": each.note or "",
        }
        for each in events
    ]  # fmt: skip


def visits_of(household_id: int) -> list[Visit]:
    """The household's next visit and its last ones."""
    return list(Visit.objects.filter(household=household_id).exclude(state="cancelled").select_related("recorder", "posting__account").order_by("-due", "-id")[:5])


def contacts() -> QuerySet[CareContact]:
    """Contacts of the reader's area with how many they look after."""
    load = CarePerson.objects.filter(contact=OuterRef("pk"), ends__isnull=True).order_by().values("contact").annotate(n=Count("id")).values("n")
    return CareContact.objects.select_related("account").annotate(load=Subquery(load))


def covering(contact: CareContact, on: date) -> dict[str, Any]:
    """Who stands in for a contact today, and for whom the contact stands in."""
    rows = ContactAbsence.objects.filter(cancelled_at__isnull=True, ends__gt=on).filter(Q(contact=contact) | Q(substitute=contact))
    rows = rows.select_related("contact", "substitute").order_by("starts")
    return {"away": [row for row in rows if row.contact_id == contact.pk], "covers": [row for row in rows if row.substitute_id == contact.pk]}


def answering(row: CarePerson, on: date) -> tuple[CareContact | None, CareContact | None]:
    """(care contact, who stands in today)."""
    if row.contact is None:
        return None, None
    return row.contact, standing_in(on, [row.contact.pk]).get(row.contact.pk)


def changes_of(contact: CareContact) -> list[dict[str, Any]]:
    """Changes of a contact's row, newest first, as the timeline shows them: what stood before, the phone masked."""
    told: list[dict[str, Any]] = []
    after: Any = contact
    for row in contact.changes.select_related("made_by").order_by("-made_at", "-id")[:20]:
        pairs = (
            (_("姓名"), row.name, after.name), (_("身份"), row.kind, after.kind), (_("联系电话"), row.phone, after.phone), (_("最多帮扶人数"), row.most, after.most),
        )  # fmt: skip
        said = [f"{label}：{_shown_before(row, label, old)}" for label, old, new in pairs if old != new]
        told.append({"at": row.made_at, "title": _("变更前") + "　" + "；".join(said), "who": row.made_by.name if row.made_by else _("系统"), "note": row.reason})
        after = row
    return told


def _shown_before(row: ContactChange, label: str, value: Any) -> str:
    if value is row.phone:
        return ui.mask_phone(numbers.plain(row.phone))
    return str(row.get_kind_display()) if label == _("身份") else str(value or _("按当地统一设定"))


def cards_naming(contact: CareContact) -> int:
    """Printed cards that name a contact and say something else today."""
    rows = HelpCard.objects.filter(care__contact=contact, care__ends__isnull=True, void_at__isnull=True, printed_at__isnull=False)
    return rows.exclude(digest=F("printed_digest")).count()


def people_of(contact_ids: Iterable[int]) -> list[CarePerson]:
    """People of some contacts, by address order of their village."""
    return list(people().filter(contact__in=list(contact_ids)).order_by(F("next_due").asc(nulls_last=True), "household_id", "id")[:500])


def of_account(account_id: int, on: date) -> tuple[list[CareContact], list[ContactAbsence], list[CarePerson], list[CarePerson]]:
    """An account's own: as which contact, for whom it stands in today, its people, and those of whom it stands in for."""
    mine = list(CareContact.objects.filter(account=account_id, ends__isnull=True))
    covers = list(
        ContactAbsence.objects.filter(substitute__in=mine, cancelled_at__isnull=True, starts__lte=on, ends__gt=on).select_related("contact")
    )
    return mine, covers, people_of(row.pk for row in mine), people_of(row.contact_id for row in covers)


def card_villages(area: str) -> QuerySet[Any]:
    """Villages of an area with people in care."""
    return CarePerson.objects.filter(ends__isnull=True, area__gte=area, area__lt=area + ":").values("area").annotate(people=Count("id")).order_by("area")


def card_counts(villages: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Of some villages: cards in force, never printed, printed and changed since; one query."""
    rows = HelpCard.objects.filter(area__in=list(villages), void_at__isnull=True).values("area").order_by()
    counted = rows.annotate(
        cards=Count("id"), new=Count("id", filter=Q(printed_at__isnull=True)), changed=Count("id", filter=Q(printed_at__isnull=False) & ~Q(digest=F("printed_digest")))
    )
    return {row["area"]: dict(row) for row in counted}


def cards_to_print(village: str) -> QuerySet[HelpCard]:
    """Cards of a village that were never printed or say something else today."""
    rows = HelpCard.objects.filter(area=village, void_at__isnull=True).exclude(digest=F("printed_digest"))
    return rows.select_related("care__person", "care__contact").order_by("printed_at", "care__household_id", "id")


def cards_that_hold() -> QuerySet[HelpCard]:
    """7.4: cards that are printed as they stand today."""
    return HelpCard.objects.filter(void_at__isnull=True, printed_at__isnull=False, digest=F("printed_digest"))


def cards_figure(numbers: measures.Numbers) -> tuple[str, str]:
    """Share of people in care whose card is printed as it stands today (7.4)."""
    return measures.share(numbers["hold"], numbers["all"], 0), _("已发内容准确的明白卡")


def found() -> QuerySet[Lead]:
    """Leads that communities raised this month (7.1): by visits, officers of villages and cards."""
    return Lead.objects.filter(channel__in=("visitor", "team", "portal"), signal_at__gte=month_start(timezone.localdate()))


def found_figure(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("条本月社区发现的线索")


def plans_in_force() -> QuerySet[PlanVersion]:
    """Villages with a service plan in force (7.2)."""
    return PlanVersion.objects.filter(state=PlanVersion.State.APPROVED)


def plans_figure(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("个村（社区）有现行预案")
