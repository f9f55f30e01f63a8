"""What the board's services share: the county as it is matched, a need in words that identify nobody, settings of the place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from doudi.core import places
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.services.messages import send_message
from doudi.core.settings_overlay import settings_at
from doudi.needs import kinds
from doudi.needs.models import Need, NeedAnswer
from doudi.volunteering.board_procedures import PREFIX

HOLDING = NeedAnswer.HOLDING
A = NeedAnswer.State
# what the machine may do where it asks or where a volunteer or an organisation answers by themselves
ASKING = frozenset({"board.ask", "needs.manage", "needs.answer", "needs.view"})


@contextmanager
def in_county(area: str, acts: Iterable[str] = ()) -> Iterator[None]:
    """Act as the machine over the county of a place, in the name of whoever acts now: volunteers of a neighbouring township are matched too.

    Nothing of what is read there is shown but what a list of offers may show.
    """
    acting = scopes.current_or_none() or scopes.NOTHING
    with scopes.acting(replace(acting, area=area[:6], posting_id=0, duty=WORKER, acts=frozenset(acts))):
        yield


@contextmanager
def as_machine(area: str, *, page: str) -> Iterator[None]:
    """Act for a volunteer or an organisation who has proved their phone: nobody's account, the county of their place."""
    with scopes.acting(scopes.Scope(area=area[:6], duty=WORKER, page=page, acts=ASKING | {"board.self"})):
        yield


def setting(area: str, on: date) -> Callable[[str], Decimal]:
    """The board's settings at a place, read with one query."""
    return settings_at(PREFIX, area, on)


def eighteen_before(on: date) -> date:
    """Born by this day, somebody is of age on `on`; born on 29 February, on 1 March."""
    return on.replace(year=on.year - 18, day=28) if (on.month, on.day) == (2, 29) else on.replace(year=on.year - 18)


def number(on: date, letters: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('doudi.board_number')")
        return f"{letters}{on:%Y%m%d}{cursor.fetchone()[0]:05d}"


def coarse(area: str) -> str:
    """The place as outsiders are told it: county and township."""
    return "".join(places.path(area[:9], above=4))


def in_words(need: Need) -> dict[str, str]:
    """Kind and place of a need for a message: stored, so Chinese, and nothing that identifies anybody."""
    with translation.override("zh-hans"):
        return {"kind": kinds.label(need.kind), "place": coarse(need.area)}


def tell(template: str, need: Need, answer: NeedAnswer, *, now: datetime, **more: str) -> None:
    """One message to whoever answers, once for each answer."""
    send_message(template=template, area=need.area, key=f"answer:{answer.pk}", values={**in_words(need), **more}, phone=answer.phone, now=now)


def local(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%m月%d日 %H:%M}"


def reason_of(text: str) -> str:
    """A reason in a few words; ValidationError where there is none."""
    said = text.strip()
    if len(said) < 2:
        raise ValidationError({"reason": _("请写明原因。")})
    return said[:200]
