"""Volunteers: registered by themselves or an officer, verified, minors with consent, paused, blacklisted, trained (8.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from doudi.batch import idnumber
from doudi.batch.tokens import Kind
from doudi.core import duties, numbers
from doudi.core.models import Duty
from doudi.core.services.messages import send_message
from doudi.core.services.todos import finish_todos, raise_todo
from doudi.registry.codes import ETHNICITIES
from doudi.registry.models import Sex
from doudi.volunteering import codes
from doudi.volunteering.models import Organisation, Training, Volunteer
from doudi.volunteering.services import activities
from doudi.volunteering.services.base import (
    account_id,
    chosen,
    day,
    is_minor,
    locked_volunteer,
    name_of,
    needed,
    note_event,
    number_of,
    one_of,
    phone_needed,
    phone_token,
    place_of,
    reason_of,
    refused,
    require_one,
    save,
)  # fmt: skip

S = Volunteer.State
SUBJECT = "volunteer"
YOUNGEST = 8  # years: below it nobody has even limited capacity (民法典 19、20)


@dataclass(frozen=True)
class Profile:
    """What somebody can and will do, and the rest that the national system asks for."""

    skills: Sequence[str] = ()
    services: Sequence[str] = ()
    times: Sequence[str] = ()
    distance: int = 5
    ethnicity: str = ""
    political: str = ""
    education: str = ""
    employment: str = ""
    address: str = ""

    def into(self, row: Volunteer) -> list[str]:
        """Put it into a row, checked; the names of the fields."""
        row.skills, row.services = chosen("skills", self.skills, codes.SKILLS), chosen("services", self.services, codes.SERVICES)
        row.times = chosen("times", self.times, codes.TIMES)
        if not 0 <= self.distance <= 200:
            raise ValidationError({"distance": _("愿意前往的距离应在 0 至 200 公里之间。")})
        row.distance = self.distance
        for field, known in (("ethnicity", ETHNICITIES), ("political", codes.POLITICAL), ("education", codes.EDUCATION), ("employment", codes.EMPLOYMENT)):
            value = getattr(self, field)
            if value:
                one_of(field, value, list(known))
            setattr(row, field, value)
        row.address = self.address.strip()[:200] or None
        return ["skills", "services", "times", "distance", "ethnicity", "political", "education", "employment", "address"]


@dataclass(frozen=True)
class Guardian:
    name: str = ""
    relation: str = ""
    phone: str = ""


def _plain(number: str) -> str:
    return idnumber.normalise(number).upper()


def _document(kind: str, number: str, sex: str, birth_date: date | None, on: date) -> tuple[UUID, str, date]:
    """Token, sex, birth date: of a citizen ID number read from it, of another document as given."""
    if kind == Volunteer.Document.ID:
        try:
            read = idnumber.parse(number, on)
        except idnumber.IdNumberError as error:
            raise ValidationError({"document": str(error)}) from None
        return numbers.id_token(read.number18), Sex.MALE if read.sex == "male" else Sex.FEMALE, read.birth_date
    plain = _plain(number)
    if not 5 <= len(plain) <= 15 or not plain.isascii() or not plain.isalnum():
        raise ValidationError({"document": _("证件号码应为 5 至 15 位字母和数字。")})
    one_of("sex", sex, Sex.values)
    if birth_date is None or not date(1900, 1, 1) <= birth_date <= on:
        raise ValidationError({"birth_date": _("请填写出生日期。")})
    return numbers.token_of(Kind.DOCUMENT, plain), sex, birth_date


def _organisation(organisation_id: int | None) -> Organisation | None:
    if organisation_id is None:
        return None
    found = Organisation.objects.filter(pk=organisation_id, state=Organisation.State.ACTIVE).first()
    if found is None:
        raise ValidationError({"organisation": _("请在列表中重新选择所属组织。")})
    return found


def _guardian(row: Volunteer, given: Guardian) -> None:
    if not given.name.strip() or not given.phone.strip():
        raise ValidationError({"guardian_name": _("未满 18 周岁的，请填写监护人姓名和电话；监护人同意后才能参加服务。")})
    row.guardian_name, row.guardian_relation = name_of(given.name, "guardian_name"), given.relation.strip()[:20]
    row.guardian_phone = phone_needed(given.phone, "guardian_phone")  # type: ignore[assignment]


@transaction.atomic
def register_volunteer(
    *, key: UUID, area: str, name: str, document: str, phone: str = "", phone_token_: UUID | None = None, document_kind: str = Volunteer.Document.ID,
    sex: str = "", birth_date: date | None = None, profile: Profile = Profile(), organisation_id: int | None = None, guardian: Guardian = Guardian(), now: datetime,
) -> Volunteer:
    """Register a volunteer; they wait until an officer has seen their document. The same form (`key`) again, or the same document with the same phone
    still waiting, gives back the first.

    Nothing that is checked here depends on who is registered already: a stranger who types somebody's number learns nothing.
    """  # fmt: skip
    require_one("volunteering.volunteers", "volunteering.join")
    on = day(now)
    place_of(area, least=6)
    one_of("document_kind", document_kind, Volunteer.Document.values)
    token, read_sex, born = _document(document_kind, document, sex, birth_date, on)
    if not is_older(born, YOUNGEST, on):
        raise ValidationError({"document": _("未满 8 周岁的不能登记为志愿者。")})
    row = Volunteer(
        key=key, area=area, number=number_of("ZY", area), name=name_of(name), document_kind=document_kind, document=token, sex=read_sex, birth_date=born,
        long_number=numbers.text_to_keep(token, _plain(document)),
        phone=phone_token_ or phone_needed(phone), organisation=_organisation(organisation_id), registered_on=on, made_by_id=account_id(), made_at=now,
    )  # fmt: skip
    profile.into(row)
    if is_minor(born, on):
        _guardian(row, guardian)
    before = Volunteer.objects.filter(key=key).first() or Volunteer.objects.filter(document=token, phone=row.phone, state=S.PENDING).first()
    if before is not None:
        return before
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        # the same document and phone wait at another place, out of sight: told like a first one
        if "volunteer_waits_once" not in str(error):
            raise
        return row
    note_event(row, "registered", "" if row.made_by_id else "自行登记", now)
    for duty in (Duty.VOLUNTEER_COORDINATOR, Duty.TOWNSHIP_OFFICER) if len(area) > 6 else (Duty.VOLUNTEER_COORDINATOR,):
        raise_todo(
            kind="volunteer.verify", area=row.area, duty=duty, title=f"志愿者 {row.number} 待核验证件", url=f"/volunteering/volunteers/{row.pk}/", subject=SUBJECT,
            subject_id=row.pk, now=now,
        )  # fmt: skip
    return row


def is_older(birth_date: date, years: int, on: date) -> bool:
    return (birth_date.year + years, birth_date.month, birth_date.day) <= (on.year, on.month, on.day)


_MINOR = {
    "volunteer_minor": lambda: ValidationError(_("未满 18 周岁，还没有登记监护人同意；请先核对监护人同意书并登记，再办理。")),
    "volunteer_document_once": lambda: ValidationError(_("这个证件号码已登记为志愿者（可能在其他地区，或已列入黑名单）；不能再次登记。")),
}


def _words() -> dict[str, ValidationError]:
    return {name: words() for name, words in _MINOR.items()}


@transaction.atomic
def give_consent(*, volunteer_id: int, version: int, guardian: Guardian, now: datetime) -> Volunteer:
    """Put down that the guardian of a minor agrees (监护人同意), after seeing the paper or speaking with them; the paper is attached to the volunteer."""
    duties.require("volunteering.volunteers")
    row = locked_volunteer(volunteer_id, version=version)
    if not is_minor(row.birth_date, day(now)):
        raise ValidationError(_("已满 18 周岁，不需要监护人同意。"))
    kept = guardian if guardian.phone.strip() or row.guardian_phone is None else Guardian(guardian.name, guardian.relation, numbers.plain(row.guardian_phone) or "")
    _guardian(row, kept)
    row.consent_at, row.consent_by_id = now, account_id()
    save(row, "guardian_name", "guardian_relation", "guardian_phone", "consent_at", "consent_by")
    note_event(row, "consent", f"{row.guardian_name} {row.guardian_relation}", now)
    return row


@transaction.atomic
def withdraw_consent(*, volunteer_id: int, version: int, reason: str, now: datetime) -> Volunteer:
    """The guardian no longer agrees: the minor is paused and leaves every shift signed up for."""
    duties.require("volunteering.volunteers")
    row = locked_volunteer(volunteer_id, version=version)
    row.consent_at, row.consent_by_id = None, None
    fields = ["consent_at", "consent_by"]
    if row.state == S.ACTIVE:
        row.state, row.state_reason, row.state_at = S.PAUSED, reason_of(reason), now
        fields += ["state", "state_reason", "state_at"]
    save(row, *fields)
    note_event(row, "consent_withdrawn", reason, now)
    activities.leave_all(row, "监护人不再同意", now)
    return row


@transaction.atomic
def verify_volunteer(*, volunteer_id: int, version: int, now: datetime) -> Volunteer:
    """Confirm that the document was seen and is theirs (核验): from now on they may sign up. Refused where it is somebody's already."""
    duties.require("volunteering.volunteers")
    row = locked_volunteer(volunteer_id, version=version)
    if row.state != S.PENDING:
        raise ValidationError(_("这名志愿者现为“%(state)s”，不需核验；请刷新页面。") % {"state": row.get_state_display()})
    row.state, row.verified_by_id, row.verified_at, row.state_at = S.ACTIVE, account_id(), now, now
    with refused(_words()):
        save(row, "state", "verified_by", "verified_at", "state_at")
    note_event(row, "verified", row.get_document_kind_display(), now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now, kind="volunteer.verify")
    send_message(template="volunteer.verified", area=row.area, key=str(row.pk), values={"number": row.number}, phone=row.phone, now=now)  # type: ignore[arg-type]
    return row


@transaction.atomic
def set_volunteer_state(*, volunteer_id: int, version: int, state: str, reason: str = "", now: datetime) -> Volunteer:
    """Pause, resume, blacklist, take off the blacklist (paused), or end; all but resuming want a reason. Shifts signed up for are given back."""
    duties.require("volunteering.blacklist" if state == S.BLACKLISTED else "volunteering.volunteers")
    row = locked_volunteer(volunteer_id, version=version)
    if row.state == S.BLACKLISTED:
        duties.require("volunteering.blacklist")
    ways = {
        S.PENDING: (S.ENDED, S.BLACKLISTED), S.ACTIVE: (S.PAUSED, S.BLACKLISTED, S.ENDED), S.PAUSED: (S.ACTIVE, S.BLACKLISTED, S.ENDED),
        S.BLACKLISTED: (S.PAUSED,) if row.verified_at else (), S.ENDED: (),
    }  # fmt: skip
    if state not in ways[row.state]:  # type: ignore[index]
        raise ValidationError(_("这名志愿者现为“%(state)s”，不能这样办理；请刷新页面。") % {"state": row.get_state_display()})
    _set(row, state, reason.strip()[:200] if state == S.ACTIVE else reason_of(reason), now)
    return row


def _set(row: Volunteer, state: str, reason: str, now: datetime) -> None:
    row.state, row.state_reason, row.state_at = state, reason, now
    with refused(_words()):
        save(row, "state", "state_reason", "state_at")
    note_event(row, state, reason, now)
    finish_todos(subject=SUBJECT, subject_id=row.pk, now=now)
    if state != S.ACTIVE:
        activities.leave_all(row, reason, now)


@transaction.atomic
def change_volunteer(
    *, volunteer_id: int, version: int, profile: Profile, phone: str = "", organisation_id: int | None = None, keep_organisation: bool = False, now: datetime
) -> Volunteer:
    """Change what somebody can and will do: by themselves, or by an officer (phone and organisation too)."""
    acting = require_one("volunteering.volunteers", "volunteering.self")
    row = locked_volunteer(volunteer_id, version=version)
    if row.state in (S.ENDED, S.BLACKLISTED):
        raise ValidationError(_("这名志愿者现为“%(state)s”，不能修改。") % {"state": row.get_state_display()})
    fields = profile.into(row)
    if acting.duty != duties.VOLUNTEER:
        if not keep_organisation:
            row.organisation = _organisation(organisation_id)
        token = phone_token(phone)
        if token is not None:
            row.phone = token  # type: ignore[assignment]
        fields += ["organisation", "phone"]
    save(row, *fields)
    note_event(row, "changed", "", now)
    return row


@transaction.atomic
def add_training(*, volunteer_id: int, on: date, title: str, hours: Decimal, by: str = "", now: datetime) -> Training:
    """Put down a training (培训); the same day and title again is the same training."""
    duties.require("volunteering.volunteers")
    row = locked_volunteer(volunteer_id)
    needed(title=title)
    if on > day(now):
        raise ValidationError({"on": _("培训日期不能晚于今天。")})
    if not 0 < hours <= 200:
        raise ValidationError({"hours": _("培训时长应在 0.1 至 200 小时之间。")})
    made, fresh = Training.objects.get_or_create(
        volunteer=row, on=on, title=title.strip()[:100],
        defaults={"area": row.area, "hours": hours.quantize(Decimal("0.1")), "by": by.strip()[:100], "made_by_id": account_id(), "made_at": now},
    )  # fmt: skip
    if fresh:
        note_event(row, "training", f"{made.title} {made.hours}", now)
    return made


__all__ = [
    "Guardian", "Profile", "add_training", "change_volunteer", "give_consent", "register_volunteer", "set_volunteer_state", "verify_volunteer", "withdraw_consent",
]  # fmt: skip
