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
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.community.models import CareEvent, CarePerson
from doudi.community.services.base import note_event
from doudi.community.services.cards import ALPHABET, LENGTH
from doudi.core import duties, side
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.discovery.models import Channel, Lead, Need
from doudi.discovery.services.raising import Subject, in_chinese, raise_lead

W = CareEvent.What
WRONG_A_MINUTE = 20  # unknown codes from one network
ASKED_A_MINUTE = 6  # calls for help from one network
ASKED_A_DAY = 5  # calls by one card that become signals; more are heard, and add nothing

# What is asked for -> (in words, what a lead calls it)
KINDS: dict[str, tuple[str | Promise, str]] = {
    "food": (gettext_lazy("吃饭、生活用品"), Need.SUPPLIES), "medicine": (gettext_lazy("买药、送药"), Need.SUPPLIES),
    "doctor": (gettext_lazy("看病就医"), Need.ILLNESS), "care": (gettext_lazy("没人照料"), Need.ELDERLY), "other": (gettext_lazy("其他困难"), Need.OTHER),
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
    """A call for help by a card becomes a lead of its holder's village, and reaches the visitor and the care contact.

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
    scope = scopes.Scope(area=found.area, duty=WORKER, page="card", acts=frozenset({"discovery.report", "community.ask"}))
    with scopes.acting(scope):
        _take(found, uuid=uuid, kind=kind, urgent=urgent, words=words.strip()[:300], phone=phone.strip(), now=now)


def _take(found: Found, *, uuid: UUID, kind: str, urgent: bool, words: str, phone: str, now: datetime) -> None:
    duties.require("community.ask")
    row = CarePerson.objects.select_for_update(of=("self",)).filter(pk=found.care_id, ends__isnull=True).select_related("contact").first()
    source = f"card:{uuid}"
    if row is None or Lead.objects.filter(indicator=Channel.PORTAL, situation=source).exists():
        return
    if CareEvent.objects.filter(care=row, what=W.ASKED, at__gt=now - timedelta(days=1)).count() >= ASKED_A_DAY:
        return
    said = in_chinese(KINDS[kind][0])
    contact = f"；帮扶责任人：{row.contact.name}" if row.contact else ""
    raise_lead(
        channel=Channel.PORTAL, source=source, area=row.area, reason=f"扫明白卡求助：{said}", need=KINDS[kind][1], detail=words,
        urgency=Lead.Urgency.RED if urgent else Lead.Urgency.ORANGE, person_id=row.person_id, subject=Subject(phone=phone), now=now,
        note=f"扫明白卡求助{contact}"[:400],
    )  # fmt: skip
    note_event(row, W.ASKED, now=now, note=said + (f"：{words}" if words else ""))
