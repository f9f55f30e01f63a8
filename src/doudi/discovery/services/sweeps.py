"""Sweeps (集中排查, measure 1.6): opened, extended, given to visitors, closed or cancelled; who did what stands in `SweepEvent`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Duty, Posting, Todo
from doudi.core.services import todos
from doudi.core.settings_overlay import get_setting
from doudi.core.workdays import add_working_days
from doudi.discovery.models.sweeps import Sweep, SweepEntry, SweepEvent, SweepPlace, SweepQuestion
from doudi.discovery.models.visits import VISITORS, Group, VisitNeed
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.raising import in_chinese
from doudi.discovery.services.sweep_lists import caught_up, fill, lock
from doudi.discovery.services.telling import tell_raised, tell_sweep
from doudi.discovery.services.visit_todos import tell_visits
from doudi.discovery.sweep_catalogue import CATALOGUE, NO, OWN_KINDS, YES, Kind

todos.ends_by_hand("sweep.unreached")

FOLLOW = "procedure.sweep.follow_days"
LONGEST = timedelta(days=184)
MOST_OWN = 10
E = SweepEntry.State


@dataclass(frozen=True)
class OwnQuestion:
    """A question of the campaign's own. `options` for a choice, `least` and `most` for a number; `alarm` is the answer (yes, no, or the
    number of an option from 1) that shows the `need`."""

    label: str
    kind: str
    options: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    required: bool = False
    alarm: str = ""
    need: str = ""


def open_sweep(
    *,
    key: UUID,
    area: str,
    title: str,
    starts: date,
    ends: date,
    places: Sequence[str],
    groups: Sequence[str],
    everybody: bool,
    asked: Sequence[str],
    own: Sequence[OwnQuestion] = (),
    document: str = "",
    now: datetime,
) -> Sweep:
    """Open a sweep of a township or county and list every household concerned; the one that this `key` opened before is given back.

    `places`: divisions below `area` that it covers (empty: all of it); `asked`: codes of the catalogue. Raises ValidationError by field.
    """
    scope = duties.require("sweeps.manage")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('sweeps ' || %s, 0))", [area])
    known = Sweep.objects.filter(key=key).first()
    if known is not None:
        return known
    title = title.strip()
    problems = _days(starts, ends, timezone.localdate(now))
    if len(area) not in (6, 9) or not scope.covers(area):
        problems["area"] = _("集中排查由县或乡镇在自己的辖区内开展；请重新选择地区。")
    if any(place != area and not (place.startswith(area) and place.isdigit() and len(place) in (9, 12)) for place in places):
        problems["places"] = _("“排查范围”中有不在辖区内的地方；请重新选择。")
    if not 2 <= len(title) <= 60:
        problems["title"] = _("“排查名称”应为 2 至 60 字。")
    elif Sweep.objects.filter(area=area, title=title, state=Sweep.State.OPEN).exists():
        problems["title"] = _("同名的集中排查正在开展；请到列表中查看，或换一个名称。")
    if any(group not in Group.values for group in groups) or not (groups or everybody):
        problems["groups"] = _("请选择排查对象，至少一类；或选择全部在册家庭。")
    if any(code not in CATALOGUE for code in asked):
        problems["asked"] = _("“询问内容”的选项不正确；请刷新页面后重新选择。")
    if len(own) > MOST_OWN:
        problems["own"] = _("自定问题最多 %(most)d 个。") % {"most": MOST_OWN}
    for number, question in enumerate(own, 1):
        if words := _wrong(question):
            problems["own"] = _("自定问题 %(number)d：%(words)s") % {"number": number, "words": words}
    if problems:
        raise ValidationError(problems)
    sweep = Sweep.objects.create(
        key=key, area=area, title=title, document=document.strip()[:200], starts=starts, ends=ends, groups=[] if everybody else sorted(set(groups)),
        everybody=everybody, opened_by_id=scope.account_id, opened_at=now,
    )  # fmt: skip
    kept = [place for place in dict.fromkeys(places) if not any(place != other and place.startswith(other) for other in places)] or [area]
    SweepPlace.objects.bulk_create([SweepPlace(sweep=sweep, area=place) for place in kept])
    SweepQuestion.objects.bulk_create(_questions(sweep, asked, own))
    event(sweep, SweepEvent.What.OPENED, now=now, note=f"{starts} 至 {ends}")
    lock(sweep.pk)
    fill(sweep, on=timezone.localdate(now), now=now, first=True)
    scopes.check_constraints()
    return sweep


def _days(starts: date, ends: date, today: date) -> dict[str, Any]:
    if ends < starts:
        return {"ends": _("“截止日期”早于“开始日期”；请核对。")}
    if ends < today:
        return {"ends": _("“截止日期”已经过去；请核对。")}
    if ends - starts > LONGEST:
        return {"ends": _("一次集中排查最长半年；更长的请用走访计划。")}
    return {}


def _wrong(question: OwnQuestion) -> str:
    """What is wrong with a question of the campaign's own, in words; empty where nothing is."""
    if not 2 <= len(question.label.strip()) <= 60 or any(ord(sign) < 32 for sign in question.label):
        return _("问题应为 2 至 60 字。")
    if question.kind not in OWN_KINDS:
        return _("请选择回答方式。")
    answers = {Kind.YESNO: {YES, NO}, Kind.CHOICE: {str(number) for number in range(1, len(question.options) + 1)}}.get(Kind(question.kind), set())
    if question.kind == Kind.CHOICE:
        options = [option.strip() for option in question.options]
        if not 2 <= len(options) <= 8 or len(set(options)) < len(options) or any(not 1 <= len(option) <= 30 for option in options):
            return _("单选应有 2 至 8 个不同的选项，每个不超过 30 字。")
    if question.kind == Kind.NUMBER and not 0 <= (question.least or 0) < (question.most or 0) <= 1_000_000:
        return _("数字应有上下限，下限小于上限，在 0 至 1000000 之间。")
    if bool(question.alarm) != bool(question.need) or (question.alarm and question.alarm not in answers):
        return _("报为线索的回答和需要类别应一起选择，且只用于是或否、单选。")
    if question.need and question.need not in VisitNeed.values:
        return _("需要类别不正确；请刷新页面后重新选择。")
    return ""


def _questions(sweep: Sweep, asked: Sequence[str], own: Sequence[OwnQuestion]) -> list[SweepQuestion]:
    rows: list[SweepQuestion] = []
    for code, item in CATALOGUE.items():
        if code in asked:
            rows.append(
                SweepQuestion(
                    sweep=sweep, area=sweep.area, position=len(rows) + 1, field=code, kind=item.kind, label=in_chinese(item.label),
                    least=item.least if item.kind == Kind.NUMBER else None, most=item.most if item.kind == Kind.NUMBER else None,
                )
            )  # fmt: skip
    for question in own:
        numbers = question.kind == Kind.NUMBER
        rows.append(
            SweepQuestion(
                sweep=sweep, area=sweep.area, position=len(rows) + 1, kind=question.kind, label=question.label.strip(), required=question.required,
                options=[option.strip() for option in question.options] if question.kind == Kind.CHOICE else [],
                least=(question.least or 0) if numbers else None, most=question.most if numbers else None, alarm=question.alarm, need=question.need,
            )
        )  # fmt: skip
    return rows


def event(sweep: Sweep, what: str, *, now: datetime, note: str = "", entry: SweepEntry | None = None, uuid: UUID | None = None) -> None:
    """One line of the history."""
    SweepEvent.objects.create(
        sweep=sweep, entry=entry, area=entry.area if entry else sweep.area, residence_area=entry.residence_area if entry else None, uuid=uuid, at=now,
        account_id=scopes.current().account_id or None, what=what, note=note[:400],
    )  # fmt: skip


def _led(sweep_id: int, version: int) -> Sweep:
    """An open sweep of the officer's own place, locked. Raises StaleLead where somebody was faster, ValidationError beyond the place."""
    scope = duties.require("sweeps.manage")
    lock(sweep_id)
    sweep = Sweep.objects.get(pk=sweep_id)
    if not scope.covers(sweep.area):
        raise ValidationError(_("这次集中排查由上级开展，只能由开展的地方延期、办结或取消。"))
    if sweep.state != Sweep.State.OPEN or sweep.version != version:
        raise StaleLead(_("这次集中排查刚刚已由其他工作人员办理，本次操作未保存；请刷新后查看。"))
    return Sweep.objects.select_for_update().get(pk=sweep_id)


def _why(reason: str) -> str:
    if len(reason.strip()) < 2:
        raise ValidationError({"reason": _("请写明原因，至少 2 个字。")})
    return reason.strip()[:200]


@transaction.atomic
def extend_sweep(*, sweep_id: int, version: int, ends: date, reason: str, now: datetime) -> Sweep:
    """Give an open sweep more days. Raises ValidationError by field, StaleLead, Sweep.DoesNotExist."""
    sweep, words = _led(sweep_id, version), _why(reason)
    if ends <= sweep.ends:
        raise ValidationError({"ends": _("“延期至”应晚于原来的截止日期 %(day)s。") % {"day": sweep.ends}})
    if problems := _days(sweep.starts, ends, timezone.localdate(now)):
        raise ValidationError(problems)
    before, sweep.ends, sweep.version = sweep.ends, ends, version + 1
    sweep.save(update_fields=["ends", "version"])
    event(sweep, SweepEvent.What.EXTENDED, now=now, note=f"{before} 延至 {ends}：{words}")
    todos.finish_todos(subject="sweep", subject_id=sweep.pk, kind="sweep.close", now=now)
    Todo.objects.filter(subject=f"sweep:{sweep.pk}", done_at__isnull=True).update(due=ends)
    scopes.check_constraints()
    return sweep


def assign_village(*, sweep_id: int, area: str, posting_id: int | None, now: datetime) -> int:
    """Give what is open of one village to the holder of a posting there or above, or deal it out among its visitors again (None).

    Returns the number of entries. Raises ValidationError, Posting.DoesNotExist, Sweep.DoesNotExist.
    """
    scope = duties.require("sweeps.manage")
    lock(sweep_id)
    sweep, on = Sweep.objects.get(pk=sweep_id), timezone.localdate(now)
    if sweep.state != Sweep.State.OPEN:
        raise StaleLead(_("这次集中排查已经结束，不再改派。"))
    if len(area) != 12 or not scope.covers(area):
        raise ValidationError({"area": _("“村（社区）”不在您的管辖范围内；请重新选择。")})
    rows = SweepEntry.objects.filter(sweep=sweep, area=area, residence_area__isnull=True, state__in=SweepEntry.OPEN)
    if posting_id is None:
        changed = rows.update(posting=None, given=False)
        fill(sweep, on=on, now=now)
        words = "由村里走访员分户排查"
    else:
        posting = Posting.objects.select_related("account").get(pk=posting_id)
        if posting.duty not in VISITORS or not posting.holds_on(on) or not area.startswith(posting.area):
            raise ValidationError({"posting": _("该工作人员目前没有可以排查这个村的在任岗位；请重新选择。")})
        changed = rows.update(posting=posting, given=True)
        words = f"改由{posting.account.name}排查"
        if sweep.starts <= on:
            tell_sweep(sweep_id=sweep.pk, now=now)
    caught_up(sweep.pk, low=area[:9], now=now)
    event(sweep, SweepEvent.What.GIVEN, now=now, note=f"{area}：{changed} 户{words}")
    scopes.check_constraints()
    return changed


@transaction.atomic
def close_sweep(*, sweep_id: int, version: int, note: str, now: datetime) -> Sweep:
    """End a sweep: its list is frozen, households that nobody reached are named and owed a visit within some days, the township is told.

    Raises StaleLead, ValidationError, Sweep.DoesNotExist.
    """
    sweep = _led(sweep_id, version)
    today = timezone.localdate(now)
    if today < sweep.starts:
        raise ValidationError(_("排查还没有开始；不再开展的请取消。"))
    if today <= sweep.ends and SweepEntry.objects.filter(sweep=sweep, state__in=SweepEntry.OPEN).exists() and len(note.strip()) < 2:
        raise ValidationError({"note": _("还没到截止日期，且有家庭未排查；提前办结请写明原因。")})
    unreached = SweepEntry.objects.filter(sweep=sweep, state__in=SweepEntry.OPEN).update(state=E.UNREACHED)
    due = add_working_days(today, int(get_setting(FOLLOW, sweep.area, today)))
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"sweep": sweep.pk, "now": now, "due": due, "reason": f"集中排查“{sweep.title}”未排查到"[:200]}
        cursor.execute(NEARER, values)
        cursor.execute(VISIT, values)
    tell_visits(place=sweep.area, now=now)
    todos.raise_todos(UNREACHED, [due, sweep.pk], now=now)
    tell_raised("sweep.unreached", now=now)
    _end(sweep, Sweep.State.CLOSED, note.strip()[:200], now=now)
    event_note = f"{unreached} 户未排查到，已安排补走访" if unreached else "全部排查完毕"
    event(sweep, SweepEvent.What.CLOSED, now=now, note=event_note + (f"：{note.strip()[:200]}" if note.strip() else ""))
    scopes.check_constraints()
    return sweep


@transaction.atomic
def cancel_sweep(*, sweep_id: int, version: int, reason: str, now: datetime) -> Sweep:
    """Do without a sweep; what was answered so far stays. Raises StaleLead, ValidationError, Sweep.DoesNotExist."""
    sweep, words = _led(sweep_id, version), _why(reason)
    _end(sweep, Sweep.State.CANCELLED, words, now=now)
    event(sweep, SweepEvent.What.CANCELLED, now=now, note=words)
    scopes.check_constraints()
    return sweep


def _end(sweep: Sweep, state: str, words: str, *, now: datetime) -> None:
    sweep.state, sweep.closed_by_id, sweep.closed_at, sweep.reason, sweep.version = state, scopes.current().account_id, now, words, sweep.version + 1
    sweep.save(update_fields=["state", "closed_by", "closed_at", "reason", "version"])
    todos.finish_todos(subject="sweep", subject_id=sweep.pk, now=now)
    Todo.objects.filter(subject=f"sweep:{sweep.pk}", done_at__isnull=True).exclude(kind="sweep.unreached").update(
        done_at=now, done_by=scopes.current().account_id or None
    )


# Unreached households are followed as visits: what is owed already moves up, the others get one.
NEARER = """
update discovery_visit v set due = least(v.due, %(due)s), reason = case when v.reason = '' then %(reason)s else v.reason end
from discovery_sweepentry e where e.sweep_id = %(sweep)s and e.state = 'unreached' and v.household_id = e.household_id and v.state in ('due', 'missed')
"""
VISIT = """
insert into discovery_visit (area, household_id, origin, groups, due, urgent, posting_id, state, version, absences, escalated, made_at, paper, met, living,
                             needs, health, income, witness, reason)
select h.area, h.id, 'asked', e.groups, %(due)s, false, p.id, 'due', 1, 0, 0, %(now)s, false, '', '', '{}', '', '', '', %(reason)s
from discovery_sweepentry e join registry_household h on h.id = e.household_id left join core_posting p on p.id = e.posting_id and p.area = h.area
where e.sweep_id = %(sweep)s and e.state = 'unreached' order by h.id
on conflict (household_id) where state in ('due', 'missed') do nothing
"""
UNREACHED = f"""
select e.area, '{Duty.TOWNSHIP_OFFICER.value}', 'sweep.unreached', '集中排查“' || s.title || '”有 ' || count(*) || ' 户未排查到，请督促补走访：' || coalesce(d.name, e.area),
  '/sweeps/' || s.id || '/households/?state=unreached&area=' || e.area, 'sweep:' || s.id, e.area::bigint, %s::date
from discovery_sweepentry e join discovery_sweep s on s.id = e.sweep_id left join core_division d on d.code = e.area
where s.id = %s and e.state = 'unreached' group by e.area, s.id, s.title, d.name
"""
