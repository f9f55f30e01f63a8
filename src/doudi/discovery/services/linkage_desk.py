"""The review desk (疑似同一人核查; measures 1.2): one pair, one decision, which can be taken back for a week and is not asked again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services import todos
from doudi.core.settings_overlay import get_setting
from doudi.discovery.linkage_settings import VERIFY_DAYS
from doudi.discovery.models import LinkageDecision, LinkagePair
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.linkage import DESK

UNDO_DAYS = 7
State = LinkagePair.State
# A pair that the system linked can be contradicted or confirmed; one that waits for the township is decided by what it found.
DECIDABLE = (State.OPEN, State.UNSURE, State.LINKED)


@transaction.atomic
def decide_pair(*, pair_id: int, version: int, choice: str, note: str = "", now: datetime) -> LinkagePair:
    """`same`, `different` or `unsure` (the township verifies at home). Said twice by the same officer it counts once.

    Raises StaleLead where somebody decided meanwhile, ValidationError, LinkagePair.DoesNotExist (also for pairs of other areas).
    """
    scope = duties.require("discovery.link")
    if choice not in LinkagePair.DECIDED:
        raise ValidationError({"choice": _("请选择“同一人”“不是”或“不确定”。")})
    pair = _locked(pair_id)
    if pair.version == version + 1 and pair.state == choice and pair.decided_by_id == (scope.account_id or None):
        return pair
    if pair.version != version or pair.state not in DECIDABLE or pair.state == choice:
        raise StaleLead(_("这一组刚刚已由其他工作人员认定，本次操作未保存；请刷新后查看。"))
    if choice == State.UNSURE and scope.duty == Duty.TOWNSHIP_OFFICER:
        raise ValidationError({"choice": _("请入户核实后选择“同一人”或“不是”。")})
    if choice == State.SAME:
        _settle_others(pair, now=now)
    before, pair.due = pair.state, None
    pair.state, pair.version, pair.decided_by_id, pair.decided_at = State(choice), version + 1, scope.account_id or None, now
    if choice == State.UNSURE:
        days = int(get_setting(VERIFY_DAYS, pair.area, timezone.localdate(now)))
        pair.due = workdays.add_working_days(timezone.localdate(now), days)
    try:
        with transaction.atomic():
            pair.save(update_fields=["state", "version", "decided_by", "decided_at", "due"])
    except IntegrityError:
        # the constraint sees what the scope does not: another place
        raise ValidationError(_("这条数据在其他地区已认定为另一人；请与县级核对员联系后再认定。")) from None
    _log(pair, before, note, now=now)
    todos.finish_todos(subject="linkage_pair", subject_id=pair.pk, now=now)
    if choice == State.UNSURE:
        todos.raise_todo(
            kind="linkage.verify", area=pair.area, duty=Duty.TOWNSHIP_OFFICER.value, title="入户核实疑似同一人", due=pair.due,
            url=reverse("discovery:linkage_pair", args=[pair.pk]), subject="linkage_pair", subject_id=pair.pk, now=now,
        )  # fmt: skip
    if len(scope.area) <= 6 and not LinkagePair.objects.filter(area__gte=scope.low, area__lt=scope.high, state=State.OPEN).exists():
        todos.finish_todos(subject=DESK, subject_id=int(scope.area), now=now)
    scopes.check_constraints()
    return pair


@transaction.atomic
def undo_decision(*, pair_id: int, version: int, now: datetime) -> LinkagePair:
    """Take a decision back: the pair waits again, and so do those that it settled. Refused after seven days.

    Leads that a comparison raised meanwhile stay and are handled as leads. Raises StaleLead, ValidationError, LinkagePair.DoesNotExist.
    """
    duties.require("discovery.link")
    pair = _locked(pair_id)
    if pair.version != version or pair.state not in LinkagePair.DECIDED or pair.decided_at is None:
        raise StaleLead(_("这一组刚刚已变更，本次操作未保存；请刷新后查看。"))
    if now > pair.decided_at + timedelta(days=UNDO_DAYS):
        raise ValidationError(_("认定已超过 %(days)d 天，不能撤回；如确有错误，请在有关线索和家庭中更正。") % {"days": UNDO_DAYS})
    before, pair.state, pair.version = pair.state, State.OPEN, version + 1
    pair.decided_by, pair.decided_at, pair.due = None, None, None
    pair.save(update_fields=["state", "version", "decided_by", "decided_at", "due"])
    _log(pair, before, "撤回", now=now)
    if before == State.SAME:
        for other in LinkagePair.objects.select_for_update().filter(subject=pair.subject, state=State.SETTLED).order_by("pk"):
            _step(other, State.OPEN, "另一组的认定已撤回", now=now)
    todos.finish_todos(subject="linkage_pair", subject_id=pair.pk, now=now)
    scopes.check_constraints()
    return pair


def _locked(pair_id: int) -> LinkagePair:
    """The pair, with all pairs of the same rows locked in one order: two officers on two of them wait instead of blocking each other."""
    subject = LinkagePair.objects.values_list("subject", flat=True).get(pk=pair_id)
    held = LinkagePair.objects.select_for_update(of=("self",)).filter(subject=subject).order_by("pk")
    return next(pair for pair in held if pair.pk == pair_id)


def _settle_others(pair: LinkagePair, *, now: datetime) -> None:
    """The same rows are somebody now: they mean nobody else."""
    others = LinkagePair.objects.select_for_update().filter(subject=pair.subject, state__in=DECIDABLE).exclude(pk=pair.pk).order_by("pk")
    for other in others:
        _step(other, State.SETTLED, "已认定为他人", now=now)


def _step(pair: LinkagePair, after: State, note: str, *, now: datetime) -> None:
    before, pair.state, pair.version = pair.state, after, pair.version + 1
    pair.decided_by, pair.decided_at, pair.due = None, None, None
    pair.save(update_fields=["state", "version", "decided_by", "decided_at", "due"])
    _log(pair, before, note, now=now)
    todos.finish_todos(subject="linkage_pair", subject_id=pair.pk, now=now)


def _log(pair: LinkagePair, before: str, note: str, *, now: datetime) -> None:
    scope = scopes.current()
    LinkageDecision.objects.create(
        pair=pair, area=pair.area, at=now, account_id=scope.account_id or None, before=before, after=pair.state, note=note.strip()[:200]
    )
