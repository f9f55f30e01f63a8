"""While a care runs: hand-overs, another carer, reviews, a later end, the allowance, and how it ends (5.3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.protection.models import Care, CareClaim, CareReview, HandOver, ProtectionCase
from doudi.protection.services import gaps
from doudi.protection.services.base import SUBJECT, locked, moved, note_event, todo
from doudi.protection.services.care_base import NONE, Handed, adult_on, attend, guarded_elsewhere, locked_care, not_later, review_due, to_the_minute

CLOCKS = ("care_hand_over", "care_review", "care_end", "care_over", "care_adult", "care_moved")
CLAIM = "care_claim"
WITHOUT_SHEET = (Care.Outcome.BROKEN, Care.Outcome.DIED)
BACK = (Care.Outcome.PARENTS, Care.Outcome.GUARDIAN)


def _hand(care: Care, case: ProtectionCase, uuid: UUID, direction: str, given: Handed, now: datetime) -> HandOver:
    not_later(given.at, now, "handed_at")
    if given.at < to_the_minute(care.starts) and direction != HandOver.Direction.IN:
        raise ValidationError({"handed_at": _("交接时间不能早于照料开始的时间。")})
    for field, label, least in (
        ("given_by", _("交出人"), 2), ("taken_by", _("接收人"), 2), ("belongings", _("随身物品清单"), 1), ("health", _("健康状况"), 2), ("documents", _("证件和材料"), 1),
    ):  # fmt: skip
        if len(getattr(given, field).strip()) < least:
            raise ValidationError({field: _("“%(label)s”必须填写；没有的请写“无”。") % {"label": label}})
    if not given.taken_signed:
        raise ValidationError({"taken_signed": _("接收人必须签字。")})
    if not given.given_signed and len(given.witness.strip()) < 2:
        raise ValidationError({"witness": _("交出人不能签字的，请填写在场见证人。")})
    try:
        with transaction.atomic():
            return HandOver.objects.create(
                care=care, case=case, area=case.area, uuid=uuid, direction=direction, at=given.at, given_by=given.given_by.strip()[:80],
                taken_by=given.taken_by.strip()[:80], belongings=given.belongings.strip()[:4000], health=given.health.strip()[:2000],
                documents=given.documents.strip()[:2000], given_signed=given.given_signed, taken_signed=True, witness=given.witness.strip()[:80],
                recorded_by_id=scopes.current().account_id or None, recorded_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError(_("这次交接已有记录；请刷新页面。")) from None


def things(text: str) -> list[str]:
    """The list of a hand-over sheet: its lines, none where it says that there is nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [] if len(lines) == 1 and lines[0].lower() in NONE else lines


@transaction.atomic
def hand_over(*, care_id: int, version: int, uuid: UUID, given: Handed, now: datetime) -> HandOver:
    """Record how the child came to the carer (交接记录), with what. The same form again gives back the first."""
    duties.require("protection.care")
    known = HandOver.objects.filter(uuid=uuid).first()
    if known is not None:
        return known
    care, case = locked_care(care_id, version, Care.State.ACTIVE)
    made = _hand(care, case, uuid, HandOver.Direction.IN, given, now)
    finish_todos(subject=SUBJECT, subject_id=case.pk, kind="care_hand_over", now=now)
    note_event(case, "handed_over", "", now)
    scopes.check_constraints()
    return made


def _changed(care: Care, *fields: str) -> None:
    care.version += 1
    care.save(update_fields=[*fields, "version"])


@transaction.atomic
def change_carer(
    *, care_id: int, version: int, uuid: UUID, way: str, carer: str, relation: str, contact: str, reason: str, given: Handed, now: datetime
) -> Care:
    """Another carer looks after the child (变更照料人), with a hand-over between the two; the guardian stays."""
    duties.require("protection.care")
    known = HandOver.objects.filter(uuid=uuid).select_related("care").first()
    if known is not None:
        return known.care
    care, case = locked_care(care_id, version, Care.State.ACTIVE)
    if way not in Care.Way.values or (care.kind == Care.Kind.GUARDIANSHIP and way == Care.Way.COMMITTEE):
        raise ValidationError({"way": _("请重新选择。")})
    for field, value, least in (("carer", carer, 2), ("contact", contact, 5), ("reason", reason, 2)):
        if len(value.strip()) < least:
            raise ValidationError({field: _("请填写。")})
    _hand(care, case, uuid, HandOver.Direction.BETWEEN, given, now)
    before = care.carer
    care.way, care.carer, care.relation, care.contact = way, carer.strip()[:60], relation.strip()[:40], contact.strip()[:200]
    _changed(care, "way", "carer", "relation", "contact")
    attend(case, at=given.at, who=care.carer)
    moved(case, "carer_changed", f"{before} → {care.carer}：{reason}", now, "unattended_from")
    return care


@transaction.atomic
def extend_care(*, care_id: int, version: int, until: date, reason: str, now: datetime) -> Care:
    """Give a care a later end (延长). Beyond the latest end only the county's approver, another officer than who proposed; never beyond the eighteenth birthday."""
    acting = scopes.current()
    beyond = duties.may("protection.guardianship_decide")
    if not beyond:
        duties.require("protection.care")
    care, case = locked_care(care_id, version, Care.State.ACTIVE)
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明延长的原因。")})
    if until <= care.expected_end:
        raise ValidationError({"until": _("应晚于现在的预计结束日期 %(day)s。") % {"day": care.expected_end}})
    if case.birth_date and until > adult_on(case.birth_date):
        raise ValidationError({"until": _("不能超过十八周岁生日 %(day)s。") % {"day": adult_on(case.birth_date)}})
    if until > care.latest_end:
        if not beyond:
            raise ValidationError({"until": _("超过最长期限 %(day)s 的，须由县级审批人决定；否则请作出长期安排。") % {"day": care.latest_end}})
        if acting.account_id == care.proposed_by_id:
            raise ValidationError({"until": _("超过最长期限的延长须由另一名工作人员决定。")})
        care.latest_end = until
    care.expected_end = until
    _changed(care, "expected_end", "latest_end")
    for kind in ("care_end", "care_over"):
        finish_todos(subject=SUBJECT, subject_id=case.pk, kind=kind, now=now)
    moved(case, "care_extended", f"{until}：{reason}", now)
    return care


@transaction.atomic
def review_care(*, care_id: int, version: int, verdict: str, note: str, now: datetime) -> CareReview:
    """Review a care that runs: can the child go back? The next review is due after the days that the place has set. Twice a day is once."""
    acting = duties.require("protection.care")
    on = timezone.localdate(now)
    done = CareReview.objects.filter(care_id=care_id, on=on).first()
    if done is not None:
        return done
    care, case = locked_care(care_id, version, Care.State.ACTIVE)
    if verdict not in CareReview.Verdict.values:
        raise ValidationError({"verdict": _("请重新选择。")})
    if len(note.strip()) < 4:
        raise ValidationError({"note": _("请写明孩子和监护人的情况，至少 4 个字。")})
    made = CareReview.objects.create(
        care=care, case=case, area=case.area, on=on, verdict=verdict, note=note.strip()[:2000], made_by_id=acting.account_id or None, made_at=now
    )
    care.review_due = review_due(case, care.kind, on)
    _changed(care, "review_due")
    finish_todos(subject=SUBJECT, subject_id=case.pk, kind="care_review", now=now)
    if not guarded_elsewhere(care, case):
        finish_todos(subject=SUBJECT, subject_id=case.pk, kind="care_moved", now=now)
    moved(case, "care_reviewed", str(made.get_verdict_display()), now)
    return made


def allowance(care: Care, starts: date, ends: date) -> Decimal:
    """The amount of whole days, both ends included, at what the place had set on each."""
    name, days = f"procedure.protection.allowance.{care.kind}", (ends - starts).days + 1
    first, last = get_setting(name, care.area, starts), get_setting(name, care.area, ends)
    if first == last:
        return first * days
    return sum((get_setting(name, care.area, starts + timedelta(days=at)) for at in range(days)), Decimal(0))


@transaction.atomic
def claim_allowance(*, care_id: int, version: int, starts: date, ends: date, payee: str, now: datetime) -> CareClaim:
    """Record the allowance (照料补贴) claimed for days of a care, none of them twice. The county's civil affairs pay it; `note_claim_paid` says that they did."""
    acting = duties.require("protection.care")
    care, case = locked_care(care_id, version, Care.State.ACTIVE, Care.State.ENDED)
    first, last = timezone.localdate(care.starts), timezone.localdate(care.ended_at or now)
    if not first <= starts <= ends <= last:
        raise ValidationError({"starts": _("应在照料期间内：%(first)s 至 %(last)s。") % {"first": first, "last": last}})
    if len(payee.strip()) < 2:
        raise ValidationError({"payee": _("请填写领款人。")})
    amount = allowance(care, starts, ends)
    if amount <= 0:
        raise ValidationError(_("本地没有设定照料补贴标准；请由县级在“标准与参数”中设定后再登记。"))
    try:
        with transaction.atomic():
            made = CareClaim.objects.create(
                care=care, case=case, area=case.area, starts=starts, ends=ends, amount=amount, payee=payee.strip()[:80], claimed_by_id=acting.account_id or None,
                claimed_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError({"starts": _("这些天里有已登记过补贴的；请核对后重新选择。")}) from None
    note_event(case, "allowance_claimed", f"{starts}—{ends}：{amount:.2f} 元", now)
    todo(case, CLAIM, Duty.COUNTY_APPROVER, f"个案 {case.number} 照料补贴待发放登记", now, area=case.area[:6], due=now)
    scopes.check_constraints()
    return made


@transaction.atomic
def note_claim_paid(*, claim_id: int, paid_on: date, voucher: str, now: datetime) -> CareClaim:
    """Note that the county paid an allowance to the carer: on which day, by which voucher. Once, and by another officer than who claimed it."""
    acting = duties.require("protection.claim_paid")
    case_id = CareClaim.objects.filter(pk=claim_id).values_list("case_id", flat=True).first()
    if case_id is None:
        raise ValidationError(_("没有这笔照料补贴，或它不由您办理。"))
    case = locked(case_id, None)
    row = CareClaim.objects.select_for_update(of=("self",)).get(pk=claim_id)
    if row.paid_on is not None:
        raise ValidationError(_("这笔照料补贴已登记发放：%(day)s，凭证 %(voucher)s。") % {"day": row.paid_on, "voucher": row.voucher})
    duties.require_apart("protection.claim_paid", done={"protection.care": row.claimed_by_id})
    if not row.starts <= paid_on <= timezone.localdate(now):
        raise ValidationError({"paid_on": _("应在 %(first)s 至今天之间。") % {"first": row.starts}})
    if len(voucher.strip()) < 2:
        raise ValidationError({"voucher": _("请填写付款凭证号或银行回单号。")})
    row.paid_on, row.voucher, row.paid_noted_by_id, row.paid_noted_at = paid_on, voucher.strip()[:60], acting.account_id, now
    row.save(update_fields=["paid_on", "voucher", "paid_noted_by", "paid_noted_at"])
    note_event(case, "allowance_paid", f"{row.starts}—{row.ends}：{row.amount:.2f} 元", now)
    if not CareClaim.objects.filter(case=case, paid_on__isnull=True).exists():
        finish_todos(subject=SUBJECT, subject_id=case.pk, kind=CLAIM, now=now)
    scopes.check_constraints()
    return row


@transaction.atomic
def end_care(*, care_id: int, version: int, uuid: UUID, outcome: str, note: str, given: Handed | None, now: datetime) -> Care:
    """End a care: the child goes back, to a long-term guardian, is grown up, or the carer is gone.

    Needs the hand-over back with its list (but where living care is broken off: then a gap opens), the record of the hand-over at the beginning, and for the
    return from guardianship a review that found that the guardian can do their duty again (Law on the Protection of Minors art. 93).
    """
    acting = duties.require("protection.care")
    known = HandOver.objects.filter(uuid=uuid).select_related("care").first()
    if known is not None:
        return known.care
    care, case = locked_care(care_id, version, Care.State.ACTIVE)
    if outcome not in Care.Outcome.values or outcome == Care.Outcome.GUARDIANSHIP:
        raise ValidationError({"outcome": _("请重新选择。")})
    if len(note.strip()) < 2:
        raise ValidationError({"note": _("请写明结束的原因。")})
    grown = case.birth_date is not None and adult_on(case.birth_date) <= timezone.localdate(now)
    if outcome == Care.Outcome.ADULT and not grown:
        raise ValidationError({"outcome": _("尚未满十八周岁。")})
    if outcome in BACK and care.kind == Care.Kind.GUARDIANSHIP and not grown:
        last = care.reviews.order_by("-on").first()
        if last is None or last.verdict != CareReview.Verdict.RETURN:
            raise ValidationError({"outcome": _("送回前须评估：最近一次评估的结论应为“可以送回”（未成年人保护法第九十三条）。")})
    if outcome == Care.Outcome.BROKEN and care.kind == Care.Kind.GUARDIANSHIP:
        raise ValidationError({"outcome": _("临时监护不因照料中断而结束：请变更照料人；一时没有人接手的，在个案中登记“无人照料”。")})
    if outcome in WITHOUT_SHEET:
        given = None
    else:
        if not came_with_sheet(care):
            raise ValidationError(_("还没有接收孩子时的交接记录；请先补填，再办理结束。"))
        if given is None:
            raise ValidationError({"belongings": _("请填写交回的交接记录，包括随身物品清单。")})
        _hand(care, case, uuid, HandOver.Direction.OUT, given, now)
    care.state, care.ended_at, care.ended_by_id, care.outcome, care.end_note = (
        Care.State.ENDED,
        max(given.at, care.starts) if given else now,
        acting.account_id or None,
        outcome,
        note.strip()[:1000],
    )
    _changed(care, "state", "ended_at", "ended_by", "outcome", "end_note")
    for kind in CLOCKS:
        finish_todos(subject=SUBJECT, subject_id=case.pk, kind=kind, now=now)
    if outcome == Care.Outcome.BROKEN:
        gaps.begin(case, gaps.ALONE, since=now)
        for duty in (Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR):
            todo(case, "care_gap", duty, f"个案 {case.number}：照料中断，孩子无人照料，请立即安排", now, due=now)
    else:
        who = given.taken_by.strip()[:80] if given else "—"
        attend(case, at=care.ended_at, who=who, guardian=who)
    moved(case, "care_ended", note, now, "unattended_from")
    return care


def came_with_sheet(care: Care) -> bool:
    """Whether the child's coming is on record: a sheet of this care, or of the living care before it with the same carer."""
    if care.hand_overs.filter(direction=HandOver.Direction.IN).exists():
        return True
    before = care.follows
    return before is not None and before.carer == care.carer and before.hand_overs.filter(direction=HandOver.Direction.IN).exists()
