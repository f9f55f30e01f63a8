"""Recording visits (入户走访, measures 1.7, 5.1, 7.3), by phone, from paper, and item by item when a device that was without network comes back.

The signature that callers may rely on:

    record_visit(*, uuid: UUID, done_at: datetime, result: Result, now: datetime,
                 visit_id: int | None = None, household_id: int | None = None, base_version: int | None = None,
                 lead_id: int | None = None, verified: bool = False, paper: bool = False,
                 photos: Sequence[tuple[str, bytes]] = (), signature: bytes | None = None, channel: str = Channel.VISITOR) -> Recorded
    add_photo(*, uuid: UUID, photo_uuid: UUID, name: str, content: bytes, now: datetime, signature: bool = False) -> Attachment

- `uuid` is the form's or the device's: the same one again gives back what came of it the first time (`Recorded.outcome` "known"), also by the
  account alone that sent it first; nothing is written.
- `visit_id` with `base_version` (the version that the visitor saw) for a visit on the list, else `household_id`; a household's open visit counts
  as the one made. A visit that was recorded or closed meanwhile: the record is kept whole as a `VisitConflict` ("conflict"), and is no error.
- `done_at` is the device's time, `now` the arrival.
- `lead_id`: the lead of which this is the contact (`verified`: also the verification). A step that is not open any more is left out.
- `channel`: where a lead for what is missing says it comes from (a sweep records visits too).
- Errors: ValidationError by field (also for a bad photo: nothing is written then); Visit.DoesNotExist, Household.DoesNotExist outside the scope;
  PermissionDenied by duty. Photos may come with the record or one by one by `add_photo` after it, each with a UUID of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, places
from doudi.core import scope as scopes
from doudi.core.models import Attachment, Duty
from doudi.core.services import attachments, todos
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.discovery.models import Channel, Lead, Need
from doudi.discovery.models.visits import Health, Income, Living, Met, Visit, VisitConflict, VisitNeed
from doudi.discovery.services.leads import STEPS, move
from doudi.discovery.services.raising import in_chinese, raise_lead
from doudi.discovery.services.visit_needs import raise_needs
from doudi.discovery.services.visit_todos import tell_visits
from doudi.registry.models import Household

todos.ends_by_hand("visit.died", "visit.moved", "visit.refused", "visit.absent", "visit.change")

S = Visit.State
MOST_PHOTOS = 6
RESULT = ("state", "met", "living", "needs", "medicine_days", "health", "income", "note", "witness", "next_on")
RECORDED = (
    *RESULT, "uuid", "based_on", "done_at", "received_at", "closed_at", "recorder", "paper", "version", "lead", "found", "escalated", "escalated_on",
)  # fmt: skip
# Clocks of devices differ a little; a record older than a year is no visit of this list.
AHEAD, BEHIND = timedelta(minutes=10), timedelta(days=366)

# What a need found is called as a lead's need, the gravest first; several become one lead, since one household is worked on once.
AS_LEAD = {
    VisitNeed.DOCTOR: Need.ILLNESS, VisitNeed.CARER: Need.ELDERLY, VisitNeed.MEDICINE: Need.SUPPLIES, VisitNeed.FOOD: Need.LIVING,
    VisitNeed.HEATING: Need.SUPPLIES, VisitNeed.HOUSING: Need.LIVING, VisitNeed.SCHOOL: Need.OTHER, VisitNeed.COUNSEL: Need.OTHER,
}  # fmt: skip
URGENCY = {Living.VERY_HARD: Lead.Urgency.RED, Living.HARD: Lead.Urgency.ORANGE, Living.STEADY: Lead.Urgency.YELLOW, "": Lead.Urgency.YELLOW}


@dataclass(frozen=True)
class Result:
    """What a visitor found. `met` is always owed; who met somebody of the household says also how they live (`living`)."""

    met: str
    living: str = ""
    needs: tuple[str, ...] = ()
    medicine_days: int | None = None
    health: str = ""
    income: str = ""
    note: str = ""
    witness: str = ""
    next_on: date | None = None

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str) -> Result:
        return cls.of(json.loads(text))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Result:
        """From a plain mapping with the fields' names (JSON). Raises ValidationError for values of a wrong kind; unknown names are left out."""
        values = {field.name: given[field.name] for field in fields(cls) if given.get(field.name) not in (None, "")}
        try:
            if "next_on" in values and not isinstance(values["next_on"], date):
                values["next_on"] = date.fromisoformat(values["next_on"])
            needs = values.get("needs", ())
            if isinstance(needs, str) or not all(isinstance(need, str) for need in needs):
                raise TypeError
            values["needs"] = tuple(needs)
            if not isinstance(values.get("medicine_days", 0), int):
                raise TypeError
            for name in ("met", "living", "health", "income", "note", "witness"):
                if not isinstance(values.get(name, ""), str):
                    raise TypeError
        except (TypeError, ValueError):
            raise ValidationError(_("走访记录的格式不正确；请更新页面后重新填写。")) from None
        return cls(**{"met": "", **values})

    @property
    def in_person(self) -> bool:
        return self.met in (Met.SELF, Met.FAMILY)

    @property
    def state(self) -> str:
        """The visit's state that follows."""
        if self.met in (Met.ABSENT, Met.UNREACHABLE):
            return S.ABSENT
        return S.REFUSED if self.met == Met.REFUSED else S.DONE


@dataclass(frozen=True)
class Recorded:
    """`outcome`: recorded, known (this UUID came before), conflict (kept for a person to decide)."""

    outcome: str
    visit: Visit
    conflict: VisitConflict | None = None
    lead: Lead | None = None


def checked(result: Result, *, done_at: datetime, now: datetime) -> Result:
    """The result without loose ends. Raises ValidationError by field."""
    problems: dict[str, str] = {}
    if result.met not in Met.values:
        problems["met"] = _("请选择是否见到本人。")
    for name, choices in (("living", Living), ("health", Health), ("income", Income)):
        if getattr(result, name) and getattr(result, name) not in choices.values:
            problems[name] = _("选项不正确；请刷新页面后重新选择。")
    if result.in_person and not result.living:
        problems["living"] = _("请选择生活状况。")
    if any(need not in VisitNeed.values for need in result.needs):
        problems["needs"] = _("“需要什么”的选项不正确；请刷新页面后重新选择。")
    if result.medicine_days is not None and not 0 <= result.medicine_days <= 366:
        problems["medicine_days"] = _("“药还能用几天”应为 0 至 366。")
    if len(result.note) > 2000:
        problems["note"] = _("“补充说明”不能超过 2000 字。")
    if len(result.witness) > 60:
        problems["witness"] = _("“见证人”不能超过 60 字。")
    day = timezone.localdate(done_at)
    if result.next_on and not day <= result.next_on <= day + timedelta(days=60):
        problems["next_on"] = _("“改约日期”应在走访当天之后 60 天以内。")
    if done_at > now + AHEAD:
        problems["done_at"] = _("“走访时间”晚于现在；请校准手机时间后重试。")
    elif done_at < now - BEHIND:
        problems["done_at"] = _("“走访时间”在一年以前；请核对手机时间或日期。")
    if any(ord(sign) < 32 and sign not in "\r\n\t" for sign in result.note + result.witness):
        problems["note"] = _("“补充说明”含有不能显示的字符；请删除后重新填写。")
    if problems:
        raise ValidationError(problems)
    if result.in_person:
        return result
    # nobody was met: nothing can be said of how they live
    return Result(met=result.met, note=result.note, witness=result.witness, next_on=result.next_on)


@transaction.atomic
def record_visit(
    *,
    uuid: UUID,
    done_at: datetime,
    result: Result,
    now: datetime,
    visit_id: int | None = None,
    household_id: int | None = None,
    base_version: int | None = None,
    lead_id: int | None = None,
    verified: bool = False,
    paper: bool = False,
    photos: Sequence[tuple[str, bytes]] = (),
    signature: bytes | None = None,
    channel: str = Channel.VISITOR,
) -> Recorded:
    """Record one visit, once; see the module. `paper`: typed in by the township from the printed list."""
    scope = duties.require("visits.record")
    if paper:
        duties.require("visits.manage")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('visit ' || %s, 0))", [str(uuid)])
    known = _known(uuid)
    if known is not None:
        return known
    result = checked(result, done_at=done_at, now=now)
    if len(photos) > MOST_PHOTOS:
        raise ValidationError({"photos": _("一次走访最多 %(most)d 张照片。") % {"most": MOST_PHOTOS}})
    visit, fresh = _visit_for(visit_id=visit_id, household_id=household_id, done_at=done_at, now=now)
    lead = _answer_lead(lead_id, visit=visit, result=result, verified=verified, now=now) if lead_id else None
    found = _raise(uuid, visit=visit, result=result, channel=channel, now=now)
    if not fresh and (visit.state not in Visit.OPEN or (base_version is not None and base_version != visit.version)):
        conflict = VisitConflict.objects.create(
            visit=visit, area=visit.area, uuid=uuid, based_on=base_version, done_at=done_at, received_at=now, recorder_id=scope.account_id or None,
            paper=paper, content=result.as_json(), found=found,
        )  # fmt: skip
        _keep(photos, signature, subject="visit_conflict", subject_id=conflict.pk, area=visit.area, now=now)
        _needs(uuid, visit=visit, result=result, now=now)
        todos.raise_todo(
            kind="visit.conflict", area=visit.area, duty=Duty.TOWNSHIP_OFFICER, title=f"走访记录有冲突，请选择保留哪一份：{places.name(visit.area)}",
            url=f"/visits/conflicts/{conflict.pk}/", subject="visit_conflict", subject_id=conflict.pk, due=timezone.localdate(now), now=now,
        )  # fmt: skip
        scopes.check_constraints()
        return Recorded("conflict", visit, conflict, found)
    write(visit, result)
    visit.uuid, visit.based_on, visit.done_at, visit.received_at, visit.closed_at = uuid, base_version, done_at, now, now
    visit.recorder_id, visit.paper, visit.version = scope.account_id or None, paper, visit.version + (0 if fresh else 1)
    visit.lead, visit.found, visit.escalated, visit.escalated_on = lead, found, 0, None
    visit.save(update_fields=None if fresh else RECORDED)
    _keep(photos, signature, subject="visit", subject_id=visit.pk, area=visit.area, now=now)
    _needs(uuid, visit=visit, result=result, now=now)
    follow_up(visit, result, now=now)
    scopes.check_constraints()
    return Recorded("recorded", visit, None, found)


def _known(uuid: UUID) -> Recorded | None:
    """What came of this UUID before. One that somebody beyond the scope used is refused by its unique index."""
    conflict = VisitConflict.objects.filter(uuid=uuid).select_related("visit", "found").first()
    if conflict is not None:
        return Recorded("known", conflict.visit, conflict, conflict.found)
    visit = Visit.objects.filter(uuid=uuid).select_related("found").first()
    return Recorded("known", visit, None, visit.found) if visit else None


def _visit_for(*, visit_id: int | None, household_id: int | None, done_at: datetime, now: datetime) -> tuple[Visit, bool]:
    """The visit to record on, locked, and whether it is a new one (计划外)."""
    if visit_id is not None:
        return Visit.objects.select_for_update().get(pk=visit_id), False
    if household_id is None:
        raise ValidationError(_("请先选择走访的家庭。"))
    household = Household.objects.get(pk=household_id)
    owed = Visit.objects.select_for_update().filter(household=household, state__in=Visit.OPEN).first()
    if owed is not None:
        return owed, False
    scope = scopes.current()
    posting = scope.posting_id if scope.duty in (Duty.VISITOR, Duty.CHILD_DIRECTOR) else None
    return Visit(
        area=household.area, household=household, origin=Visit.Origin.OWN, due=timezone.localdate(done_at), made_at=now, posting_id=posting
    ), True


def write(visit: Visit, result: Result) -> None:
    """The result into the visit's columns (not saved)."""
    visit.state = result.state
    for name in ("met", "living", "medicine_days", "health", "income", "witness", "next_on"):
        setattr(visit, name, getattr(result, name))
    visit.needs, visit.note = list(result.needs), result.note.strip() or None


def result_of(visit: Visit) -> Result:
    """What stands in a recorded visit."""
    return Result(
        met=visit.met, living=visit.living, needs=tuple(visit.needs), medicine_days=visit.medicine_days, health=visit.health, income=visit.income,
        note=str(visit.note or ""), witness=visit.witness, next_on=visit.next_on,
    )  # fmt: skip


def _keep(photos: Sequence[tuple[str, bytes]], signature: bytes | None, *, subject: str, subject_id: int, area: str, now: datetime) -> None:
    for name, content in [*photos, *([("签名.png", signature)] if signature else [])]:
        try:
            attachments.attach(subject=subject, subject_id=subject_id, area=area, name=name, content=picture(content), now=now)
        except ValidationError as error:
            raise ValidationError({"photos": [f"{name}：{message}" for message in error.messages]}) from None


def picture(content: bytes) -> bytes:
    """A photo's content as it came. Raises ValidationError for a PDF: a visit has photos only."""
    if content.startswith(b"%PDF"):
        raise ValidationError(_("走访只接受照片（JPG、PNG、WebP）。"))
    return content


def add_photo(*, uuid: UUID, photo_uuid: UUID, name: str, content: bytes, now: datetime, signature: bool = False) -> Attachment:
    """A photo (or the signature) of a record that arrived before it, once by its own UUID; only by who recorded the visit.

    Raises ValidationError for what is no photo, for too many, and where no such record of one's own is known.
    """
    scope = duties.require("visits.record")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('visit ' || %s, 0))", [str(uuid)])
    known = _known(uuid)
    holder: Visit | VisitConflict | None = (known.conflict or known.visit) if known else None
    if holder is None or holder.recorder_id != scope.account_id:
        raise ValidationError(_("没有找到这张照片所属的走访记录；请先上传走访记录。"))
    subject = "visit_conflict" if isinstance(holder, VisitConflict) else "visit"
    before = Attachment.objects.filter(pk=photo_uuid).first()
    if before is not None:
        return before
    if attachments.attachments_of(subject=subject, subject_id=holder.pk).count() > MOST_PHOTOS:
        raise ValidationError({"photos": _("一次走访最多 %(most)d 张照片。") % {"most": MOST_PHOTOS}})
    made = attachments.attach(
        subject=subject, subject_id=holder.pk, area=holder.area, name="签名.png" if signature else name, content=picture(content), now=now,
        identifier=photo_uuid,
    )  # fmt: skip
    scopes.check_constraints()
    return made


def _answer_lead(lead_id: int, *, visit: Visit, result: Result, verified: bool, now: datetime) -> Lead | None:
    """Take the step of the lead that this visit is: contacted or verified, unreachable where nobody was met. None where it is not visible."""
    lead = Lead.objects.select_for_update().filter(pk=lead_id).first()
    if lead is not None and lead.merged_into_id:
        lead = Lead.objects.select_for_update().filter(pk=lead.merged_into_id).first()
    if lead is None or (lead.household_id and lead.household_id != visit.household_id):
        return None
    if result.in_person:
        after = Lead.State.VERIFIED if verified else Lead.State.CONTACTED
        note = "入户走访，" + in_chinese(Met(result.met).label) + ("，情况已核实" if verified else "")
    elif result.state == S.ABSENT:
        after, note = Lead.State.UNREACHABLE, "入户走访，" + in_chinese(Met(result.met).label)
    else:
        return lead
    if lead.state in STEPS[after]:
        move([lead], after=after, note=note, now=now)
    return lead


def _raise(uuid: UUID, *, visit: Visit, result: Result, channel: str, now: datetime) -> Lead | None:
    """A lead for what is missing; the visitor has just spoken with them, so it counts as contacted."""
    wanting = [need for need in AS_LEAD if need in result.needs]
    if not wanting and result.living != Living.VERY_HARD:
        return None
    words = "、".join(in_chinese(VisitNeed(need).label) for need in wanting)
    lead = raise_lead(
        channel=channel, source=f"visit:{uuid}", area="", household_id=visit.household_id, need=AS_LEAD[wanting[0]] if wanting else Need.LIVING,
        reason=f"走访发现需要：{words}" if words else "走访发现生活很困难", urgency=URGENCY[result.living], detail=result.note, now=now,
    )  # fmt: skip
    root = lead.merged_into or lead
    if root.state in Lead.UNCONTACTED:
        root = Lead.objects.select_for_update().get(pk=root.pk)
        move([root], after=Lead.State.CONTACTED, note="走访时已当面了解情况", now=now)
    return lead


def _needs(uuid: UUID, *, visit: Visit, result: Result, now: datetime) -> None:
    raise_needs(
        uuid=uuid, visit=visit, needs=result.needs, urgency=URGENCY[result.living], medicine_days=result.medicine_days, note=result.note, now=now
    )  # fmt: skip


def follow_up(visit: Visit, result: Result, *, now: datetime) -> None:
    """What a record entails: the next attempt, and to-dos of the township."""
    today = timezone.localdate(now)
    if result.state == S.ABSENT:
        retry = add_working_days(timezone.localdate(visit.done_at), int(get_setting("procedure.visit.retry_days", visit.area, today)))
        Visit.objects.bulk_create(
            [
                Visit(
                    area=visit.area, household_id=visit.household_id, origin=Visit.Origin.AGAIN, groups=visit.groups, posting=visit.posting,
                    due=max(result.next_on or retry, today), urgent=visit.urgent, absences=visit.absences + 1, made_at=now,
                )
            ],
            ignore_conflicts=True,
        )  # fmt: skip
    for kind, words in _matters(visit, result, today):
        todos.raise_todo(
            kind=kind, area=visit.area, duty=Duty.TOWNSHIP_OFFICER, title=f"{words}：{places.name(visit.area)}", url=f"/visits/{visit.pk}/",
            subject="visit", subject_id=visit.pk, due=add_working_days(today, 3), now=now,
        )  # fmt: skip
    tell_visits(place=visit.area, now=now)
    if not Visit.objects.filter(area=visit.area, state=S.MISSED).exists():
        todos.finish_todos(subject="visit_place", subject_id=int(visit.area), now=now, kind="visit.missed", duty=Duty.TOWNSHIP_OFFICER)


def _matters(visit: Visit, result: Result, today: date) -> list[tuple[str, str]]:
    """What the township has to look after: (kind of to-do, words)."""
    found = []
    if result.met == Met.DIED:
        found.append(("visit.died", "走访得知有人去世，请核实并登记"))
    elif result.met == Met.MOVED:
        found.append(("visit.moved", "走访得知已搬走，请核实并办理迁移"))
    elif result.met == Met.REFUSED:
        found.append(("visit.refused", "家庭不愿走访，请了解原因"))
    elif result.state == S.ABSENT and visit.absences + 1 >= int(get_setting("procedure.visit.absences", visit.area, today)):
        found.append(("visit.absent", f"连续 {visit.absences + 1} 次走访未见到人，请设法联系"))
    changes = [label for label, changed in (("健康变差", result.health == Health.WORSE), ("收入增加", result.income == Income.MORE),
                                            ("收入减少", result.income == Income.LESS)) if changed]  # fmt: skip
    if changes:
        found.append(("visit.change", f"走访反映{'、'.join(changes)}，请核实后登记"))
    return found
