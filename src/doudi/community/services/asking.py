"""The public side of a card (measure 7.4): what its code opens, and the call for help. Nobody learns whose card it is.

A code is 130 random bits and is looked up whole; what is unknown is answered in one and the same way, and counted by network. The service acts under
the scope of the card's village alone; who called is not known, so a call is a signal like any other and is checked by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.community.models import CareEvent, CarePerson
from doudi.community.services.base import note_event
from doudi.community.services.cards import ALPHABET, LENGTH
from doudi.community.services.contacts import standing_in
from doudi.community.services.telling import posting_of
from doudi.core import duties, side
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.services.todos import raise_todo
from doudi.discovery.models import Channel, Lead
from doudi.discovery.models import Need as LeadNeed
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead
from doudi.needs.models import Need
from doudi.needs.services import About, raise_need

W = CareEvent.What
WRONG_A_MINUTE = 20  # unknown codes from one network
ASKED_A_MINUTE = 6  # calls for help from one network
ASKED_A_DAY = 5  # calls by one card that become signals; more are heard, and add nothing

# What is asked for -> (in words, the kind of need; without one it is a lead, for somebody to find out)
KINDS: dict[str, tuple[str | Promise, str]] = {
    "food": (gettext_lazy("吃饭、生活用品"), "food"), "medicine": (gettext_lazy("买药、送药"), "medicine"),
    "doctor": (gettext_lazy("看病就医"), "accompaniment"), "care": (gettext_lazy("没人照料"), "care"), "other": (gettext_lazy("其他困难"), ""),
}  # fmt: skip


class TooMany(Exception):
    """One network calls too often: told to wait, whatever it asked."""


@dataclass(frozen=True)
class Found:
    """A code that exists: the county that is shown, whether it is void; the rest is for `ask` alone."""

    county: str
    void: bool
    care_id: int
    area: str


def _count(network: str, what: str, limit: int, now: datetime) -> None:
    with side.committed(scopes.NOTHING) as cursor:
        cursor.execute("select doudi.card_called(%s, %s, %s)", [network, what, now])
        if cursor.fetchone()[0] > limit:
            raise TooMany


def find(*, code: str, network: str, now: datetime) -> Found | None:
    """What a code opens; None where there is no such card, counted for the network. Raises TooMany."""
    wanted = code.strip().upper()
    if len(wanted) == LENGTH and not set(wanted) - set(ALPHABET):
        with connection.cursor() as cursor:
            cursor.execute("select care_id, area, void from doudi.card_of(%s)", [wanted])
            row = cursor.fetchone()
        if row is not None:
            return Found(county=row[1][:6], void=row[2], care_id=row[0], area=row[1])
    _count(network, "wrong", WRONG_A_MINUTE, now)
    return None


def ask(*, found: Found, uuid: UUID, kind: str, urgent: bool = False, words: str = "", phone: str = "", network: str, now: datetime) -> None:
    """A call for help by a card becomes a need of its holder (a lead, where it is not said what is missing): the visitor and the care contact are told.

    The same form (`uuid`) again is one call. Nothing is told back. Raises ValidationError by field, TooMany.
    """
    if found.void:
        raise ValidationError(_("这张卡已停用，请拨打服务热线。"))
    if kind not in KINDS:
        raise ValidationError({"kind": _("请选择需要哪方面的帮助。")})
    if phone.strip():
        try:
            phone = idnumber.check_phone(phone)
        except ValueError as error:
            raise ValidationError({"phone": _("“联系电话”：%(problem)s；请核对，没有电话可不填。") % {"problem": error}}) from None
    _count(network, "ask", ASKED_A_MINUTE, now)
    scope = scopes.Scope(area=found.area, duty=WORKER, page="card", acts=frozenset({"discovery.report", "needs.raise", "community.ask"}))
    with scopes.acting(scope):
        _take(found, uuid=uuid, kind=kind, urgent=urgent, words="".join(sign for sign in words.strip()[:300] if sign >= " "), phone=phone.strip(), now=now)


def _take(found: Found, *, uuid: UUID, kind: str, urgent: bool, words: str, phone: str, now: datetime) -> None:
    duties.require("community.ask")
    row = CarePerson.objects.select_for_update(of=("self",)).filter(pk=found.care_id, ends__isnull=True).select_related("contact").first()
    if row is None or CareEvent.objects.filter(care=row, what=W.ASKED, at__gt=now - timedelta(days=1)).count() >= ASKED_A_DAY:
        return
    source = f"card:{uuid}"
    if Lead.objects.filter(indicator=Channel.PORTAL, situation=source).exists() or Need.objects.filter(uuid=uuid).exists():
        return
    said, need = in_chinese(KINDS[kind][0]), KINDS[kind][1]
    if need:
        raise_need(
            uuid=uuid, about=About(person=row.person_id), kind=need, what=f"扫明白卡求助：{said}" + (f"。{words}" if words else ""),
            urgency=Need.Urgency.RED if urgent else Need.Urgency.ORANGE, source=Need.Source.CARD, source_id=row.pk, phone=phone, now=now,
        )  # fmt: skip
    else:
        raise_lead(
            channel=Channel.PORTAL, source=source, area=row.area, reason=f"扫明白卡求助：{said}", need=LeadNeed.OTHER, detail=words,
            urgency=Lead.Urgency.RED if urgent else Lead.Urgency.ORANGE, person_id=row.person_id, subject=Subject(phone=phone), now=now, note="扫明白卡求助",
        )  # fmt: skip
    tell_asked(row, said, now=now)
    note_event(row, W.ASKED, now=now, note=said + (f"：{words}" if words else ""))


def tell_asked(row: CarePerson, said: str, *, now: datetime) -> None:
    """A to-do of the care contact who signs in, or of whoever stands in today; it ends when they open their list and say so."""
    on = timezone.localdate(now)
    contact = standing_in(on, [row.contact.pk]).get(row.contact.pk, row.contact) if row.contact else None
    posting = posting_of(contact, on) if contact else None
    if contact is not None and posting is not None:
        raise_todo(
            kind="care.asked", area=posting.area, duty=posting.duty, title=f"帮扶对象扫码求助：{said}", url=f"/community/{row.pk}/", subject="care_contact",
            subject_id=contact.pk, due=on, posting_id=posting.pk, now=now,
        )  # fmt: skip
