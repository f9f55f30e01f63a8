"""Spot checks (抽查) of what townships confirmed: drawn by stratum from a kept frame, checked by others, reopened where wrong, then frozen."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.assessment.models import Assessment
from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account, Duty
from doudi.core.services import todos
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.enrolment.models import Award, Decision, Review, SpotCheck, SpotCheckItem
from doudi.enrolment.services.deciding import suspend
from doudi.enrolment.services.following import refresh_todos
from doudi.enrolment.settings import DAYS, SPOT_DAYS, SPOT_SHARE
from doudi.registry.models import Household

SUBJECT = "spot_check"
SEEDS = 1_000_000_000
Finding = SpotCheckItem.Finding

FRAME = """
insert into enrolment_spotcheckstratum (check_of_id, area, programme, frame, drawn)
select %(check)s, left(d.area, 9), d.programme, array_agg(d.id order by d.id), greatest(1, ceil(count(*) * %(share)s / 100.0))::int
from enrolment_decision d
where d.by_township and d.area >= %(low)s and d.area < %(high)s and d.decided_at >= %(since)s and d.decided_at < %(before)s
group by left(d.area, 9), d.programme
"""
# The order within a stratum follows from seed and id alone, so that it can be drawn again by hand, in any database or none.
DRAW = """
select s.check_of_id, f.id from enrolment_spotcheckstratum s
cross join lateral (
  select x.id from unnest(s.frame) x (id) order by sha256(convert_to(%(seed)s::text || ':' || x.id::text, 'UTF8')), x.id limit s.drawn) f
where s.check_of_id = %(check)s
"""
ITEMS = f"""
insert into enrolment_spotcheckitem (check_of_id, decision_id, area, programme, confirmed_by_id, finding, version)
select w.check_of_id, d.id, d.area, d.programme, d.decided_by_id, '', 1 from ({DRAW}) w join enrolment_decision d on d.id = w.id order by d.id
"""
SUMS = """
select count(*), coalesce(sum(cardinality(frame)), 0), coalesce(sum(drawn), 0) from enrolment_spotcheckstratum where check_of_id = %s
"""
# Confirmed wrongly and found so, and not opened again: what is still paid, and who is not paid for it.
LEFT_WRONG = """
select count(*) from enrolment_spotcheckitem i join enrolment_decision d on d.id = i.decision_id
  join registry_household h on h.id = d.household_id and h.area = i.area
where i.check_of_id = %s and i.finding = 'wrong' and i.review_id is null and (d.kind in ('refuse', 'stop') or exists (
  select from enrolment_award a where not a.void and (a.ends is null or a.ends > %s) and (a.decision_id = d.id or (d.kind = 'change' and a.id = d.award_id))))
"""
RATES = """
select left(area, 9), count(*), count(*) filter (where finding <> ''), count(*) filter (where finding = 'in_order'),
  count(*) filter (where finding = 'incomplete'), count(*) filter (where finding = 'wrong'), count(review_id)
from enrolment_spotcheckitem where check_of_id = %s group by 1 order by 1
"""


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


@transaction.atomic
def draw_spot_check(*, area: str, starts: date, ends: date, now: datetime, seed: int | None = None, share: int | None = None) -> SpotCheck:
    """Draw a county's spot check (抽查) from what its townships confirmed from `starts` to `ends`, both days included.

    `share` (per cent of each stratum of township and programme, rounded up, at least one) is the county's setting unless said otherwise;
    `seed` is made where none is given, and kept with the frame. The same period with the same seed, or none, gives what was drawn already;
    with another seed, or over a period that overlaps one, it is refused: nobody draws until the sample pleases.
    """
    scope = duties.require("enrolment.spot_check")
    if len(area) != 6 or not scope.covers(area):
        raise ValidationError(_("抽查按县级抽取，且须在您的管辖范围内。"))
    today = timezone.localdate(now)
    if starts > ends:
        raise ValidationError({"ends": _("截止日期不能早于起始日期。")})
    if ends >= today:
        raise ValidationError({"ends": _("截止日期应早于今天：当天仍可能有新的确认。")})
    if seed is not None and not 0 <= seed < SEEDS:
        raise ValidationError({"seed": _("随机种子应为 0 至 999999999 的整数。")})
    if share is None:
        share = int(get_setting(SPOT_SHARE, area, today))
    if not 1 <= share <= 100:
        raise ValidationError({"share": _("抽查比例应为 1 至 100 的整数。")})
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('spot check ' || %s, 0))", [area])
        before = SpotCheck.objects.filter(area=area, starts__lte=ends, ends__gte=starts).first()
        if before is not None:
            if (before.starts, before.ends) == (starts, ends) and seed in (None, before.seed):
                return before
            raise ValidationError(_("%(number)s 已抽查 %(starts)s 至 %(ends)s 的确认；同一期间不能重抽，请改选其他期间。") % {
                "number": before.number, "starts": before.starts, "ends": before.ends,
            })  # fmt: skip
        made = SpotCheck(
            area=area, number=f"CC{area}{starts:%Y%m%d}", starts=starts, ends=ends, share=share, seed=secrets.randbelow(SEEDS) if seed is None else seed,
            due=add_working_days(today, int(get_setting(SPOT_DAYS, area, today))), made_by_id=scope.account_id or None, made_at=now, size=0, drawn=0,
        )  # fmt: skip
        cursor.execute("select nextval(pg_get_serial_sequence('enrolment_spotcheck', 'id'))")
        made.pk = cursor.fetchone()[0]
        values = {
            "check": made.pk, "share": share, "low": area, "high": area + ":", "since": _midnight(starts), "before": _midnight(ends + timedelta(days=1)),
            "seed": made.seed,
        }  # fmt: skip
        cursor.execute(FRAME, values)
        cursor.execute(SUMS, [made.pk])
        strata, made.size, made.drawn = cursor.fetchone()
        if not strata:
            raise ValidationError(_("该期间没有乡镇确认的决定；只有县级下放给乡镇的项目才抽查。"))
        cursor.execute(ITEMS, values)
    made.save(force_insert=True)
    todos.raise_todo(
        kind="spot_check.open", area=area, duty=Duty.COUNTY_REVIEWER, title=f"抽查乡镇确认 {made.number}：{made.drawn} 件", url=f"/enrolment/spot-checks/{made.pk}/",
        subject=SUBJECT, subject_id=made.pk, due=made.due, now=now,
    )  # fmt: skip
    scopes.check_constraints()
    return made


def same_again(check: SpotCheck) -> bool:
    """Whether drawing again from the kept frame and seed gives the decisions that were drawn."""
    with connection.cursor() as cursor:
        cursor.execute(DRAW, {"check": check.pk, "seed": check.seed})
        again = {row[1] for row in cursor.fetchall()}
    return again == set(SpotCheckItem.objects.filter(check_of=check).values_list("decision_id", flat=True))


def _locked(item_id: int, version: int) -> SpotCheckItem:
    """The item, locked, of a check that is open and stays so meanwhile, as the officer saw it."""
    found = SpotCheckItem.objects.filter(pk=item_id).values_list("check_of_id", flat=True).first()
    check = None if found is None else SpotCheck.objects.select_for_update().filter(pk=found).first()
    if check is None:
        raise ValidationError(_("找不到这件抽查：可能不在您的管辖范围内。"))
    if check.state != SpotCheck.State.OPEN:
        raise ValidationError(_("这次抽查已办结，结果不能再改。"))
    item = SpotCheckItem.objects.select_for_update(of=("self",)).select_related("decision").get(pk=item_id)
    if item.version != version:
        who = Account.objects.filter(pk=item.checked_by_id or 0).values_list("name", flat=True).first() or _("其他工作人员")
        raise ValidationError(_("这件抽查已由%(who)s填写（%(finding)s），本次操作未保存；请刷新页面。") % {"who": who, "finding": item.get_finding_display()})  # type: ignore[attr-defined]
    return item


@transaction.atomic
def record_finding(*, item_id: int, version: int, finding: str, text: str, now: datetime) -> SpotCheckItem:
    """Record what the check of a drawn decision found. Not by who proposed, signed or confirmed it; words are owed unless it is in order."""
    scope = duties.require("enrolment.spot_check")
    item = _locked(item_id, version)
    if finding not in Finding.values:
        raise ValidationError({"finding": _("请选择抽查结果。")})
    if finding != Finding.IN_ORDER and not text.strip():
        raise ValidationError({"text": _("请写明缺少的材料或认定错误的事实。")})
    if item.review_id is not None:
        raise ValidationError(_("这件已重启核查，抽查结果不能再改。"))
    decision = item.decision
    duties.require_apart(
        "enrolment.spot_check",
        done={"enrolment.propose": decision.proposed_by_id, "enrolment.confirm": item.confirmed_by_id},
    )
    if decision.signed_by_id == scope.account_id:
        raise PermissionDenied(_("这一环节须由另一名工作人员办理：您已办理过本件的其他环节。"))
    item.finding, item.text, item.checked_by_id, item.checked_at, item.version = finding, text.strip()[:2000] or None, scope.account_id, now, version + 1
    item.save(update_fields=["finding", "text", "checked_by", "checked_at", "version"])
    scopes.check_constraints()
    return item


@transaction.atomic
def reopen_confirmed(*, item_id: int, version: int, pause: bool, now: datetime) -> Review:
    """Open again what was confirmed wrongly (重启): a review whose to-do goes to the township, which proposes stop, change or grant.

    The confirmed decision stays as it is. With `pause` the payment is suspended at once (the county's approver alone may).
    Raises ValidationError where nothing wrong was found, the household is gone or the award has ended.
    """
    duties.require("enrolment.spot_check")
    item = _locked(item_id, version)
    if item.finding != Finding.WRONG:
        raise ValidationError(_("只有认定“确认错误”的可以重启。"))
    if item.review_id is not None:
        raise ValidationError(_("这件已经重启；请在“动态监测”中查看。"))
    decision = item.decision
    if not Household.objects.filter(pk=decision.household_id, area=decision.area).exists():
        raise ValidationError(_("该家庭已转到其他地区，不能在本地重启；请与转入地联系。"))
    today = timezone.localdate(now)
    grants = decision.kind in (Decision.Kind.GRANT, Decision.Kind.CHANGE)
    award = Award.objects.filter(Q(decision=decision) | Q(pk=decision.award_id or 0), void=False).first() if grants else None
    if grants and (award is None or (award.ends is not None and award.ends <= today)):
        raise ValidationError(_("该待遇已停发，无需重启；多发的金额请按多发待遇办理。"))
    review = Review.objects.filter(
        household=decision.household_id, programme=decision.programme, person=decision.person_id, kind=Review.Kind.SPOT, state__in=Review.LIVE
    ).first()
    if review is None:
        newest = award.amounts.order_by("-from_month").values_list("amount", flat=True).first() if award else None
        review = Review.objects.create(
            area=decision.area, household_id=decision.household_id, programme=decision.programme, person_id=decision.person_id,
            award_id=award.pk if award else None, kind=Review.Kind.SPOT, cause=Review.Cause.SPOT,
            suggestion=Review.Suggestion.LOOK if award else Review.Suggestion.GRANT, month=today.replace(day=1), current_amount=newest,
            assessment=Assessment.objects.filter(household=decision.household_id).order_by("-id").first(),
            due=add_working_days(today, int(get_setting(DAYS, decision.area, today))), made_at=now,
        )  # fmt: skip
    if pause and award is not None and not award.suspended:
        suspend(award_id=award.pk, reason="抽查认定确认错误，核查期间暂停发放", now=now)
    item.review, item.version = review, version + 1
    item.save(update_fields=["review", "version"])
    scopes.check_constraints()
    refresh_todos(area=decision.area, now=now)
    return review


def rates(check_id: int) -> list[dict[str, Any]]:
    """Findings of a check by township: drawn, checked, in order, incomplete, wrong, reopened; one query."""
    names = ("area", "drawn", "checked", "in_order", "incomplete", "wrong", "reopened")
    with connection.cursor() as cursor:
        cursor.execute(RATES, [check_id])
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def total(rows: list[dict[str, Any]]) -> Mapping[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("drawn", "checked", "in_order", "incomplete", "wrong", "reopened")}


@transaction.atomic
def close_spot_check(*, check_id: int, note: str = "", now: datetime) -> SpotCheck:
    """Close (办结) a spot check: every decision checked, what is wrong and still paid opened again. It is frozen from then on."""
    scope = duties.require("enrolment.spot_check")
    check = SpotCheck.objects.select_for_update().filter(pk=check_id).first()
    if check is None:
        raise ValidationError(_("找不到这次抽查：可能不在您的管辖范围内。"))
    if check.state == SpotCheck.State.CLOSED:
        return check
    rows = rates(check_id)
    sums = total(rows)
    if missing := sums["drawn"] - sums["checked"]:
        raise ValidationError(_("还有 %(count)d 件没有填写抽查结果；全部填写后再办结。") % {"count": missing})
    with connection.cursor() as cursor:
        cursor.execute(LEFT_WRONG, [check_id, timezone.localdate(now)])
        wrong = cursor.fetchone()[0]
    if wrong:
        raise ValidationError(_("还有 %(count)d 件确认错误的没有重启；请先重启核查。") % {"count": wrong})
    check.state, check.figures, check.closed_by_id, check.closed_at, check.note = SpotCheck.State.CLOSED, rows, scope.account_id or None, now, note.strip()[:400]
    try:
        check.save(update_fields=["state", "figures", "closed_by", "closed_at", "note"])
    except Error as error:
        raise ValidationError(_("这次抽查已办结，结果不能再改。")) from error
    todos.finish_todos(subject=SUBJECT, subject_id=check.pk, now=now)
    scopes.check_constraints()
    return check


LATE = """
select c.area, %s::text, 'spot_check.late', '抽查逾期未办结 ' || c.number || '：还有 ' ||
  (select count(*) from enrolment_spotcheckitem i where i.check_of_id = c.id and i.finding = '') || ' 件未填写结果',
  '/enrolment/spot-checks/' || c.id || '/', 'spot_check', c.id, c.due
from enrolment_spotcheck c where c.area >= %s and c.area < %s and c.state = 'open' and c.due < %s
"""


@transaction.atomic
def remind_spot_checks(*, area: str, on: date, now: datetime) -> int:
    """Spot checks past their limit go to the county's approver, once each; the number of new reminders."""
    duties.require("enrolment.spot_check")
    return todos.raise_todos(LATE, [Duty.COUNTY_APPROVER, area, area + ":", on], now=now)
