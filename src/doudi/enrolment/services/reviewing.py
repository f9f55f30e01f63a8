"""What officers do with reviews (核查事项): keep the award with a reason, or propose what another officer decides."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.core.models import Account
from doudi.enrolment.models import Decision, Review
from doudi.enrolment.services.following import refresh_todos
from doudi.enrolment.services.leaving import propose_gradual_exit
from doudi.enrolment.services.proposing import change_award, propose, stop_award

S = Review.State
LONGEST = 366


def _locked(review_id: int, version: int) -> Review:
    """The review, locked, if it stands as the officer saw it. Raises Review.DoesNotExist, ValidationError."""
    row = Review.objects.select_for_update(of=("self",)).select_related("assessment", "assessment__settings", "household").get(pk=review_id)
    if row.state == S.HELD:
        raise ValidationError(_("暂停退出期间，这件核查暂缓办理；停用后会重新列出。"))
    if row.state != S.OPEN:
        who = Account.objects.filter(pk=row.decided_by_id or 0).values_list("name", flat=True).first() or _("其他工作人员")
        raise ValidationError(_("这件核查已由%(who)s办理（%(state)s）；请刷新页面。") % {"who": who, "state": row.get_state_display()})  # type: ignore[attr-defined]
    if row.version != version:
        raise ValidationError(_("这件核查在您打开后有变动；请刷新页面核对后再办理。"))
    return row


@transaction.atomic
def keep_review(*, review_id: int, version: int, reason: str, until: date | None = None, now: datetime) -> Review:
    """Keep the award as it is (维持不变). The same situation is not asked again; with `until` nothing is, until that day (a waiver, 豁免)."""
    acting = duties.require("enrolment.view")
    row = _locked(review_id, version)
    # what the county found wrong only the county lets stand
    duties.require("enrolment.spot_check" if row.kind == Review.Kind.SPOT else "enrolment.propose")
    on = timezone.localdate(now)
    if not reason.strip():
        raise ValidationError({"reason": _("请写明维持不变的理由。")})
    if until is not None and not on < until <= on.replace(year=on.year + 1, day=min(on.day, 28)):
        raise ValidationError({"until": _("维持期限应在今天之后、一年之内。")})
    if row.cause == Review.Cause.DEATH:
        raise ValidationError(_("有成员死亡的，须办理变更或停发，不能维持。"))
    row.state, row.reason, row.kept_until, row.decided_by_id, row.decided_at = S.KEPT, reason.strip()[:400], until, acting.account_id, now
    row.version += 1
    row.save(update_fields=["state", "reason", "kept_until", "decided_by", "decided_at", "version"])
    scopes.check_constraints()
    refresh_todos(area=row.area, now=now)
    return row


@transaction.atomic
def propose_from_review(
    *, review_id: int, version: int, what: str, now: datetime, reason: str = "", ground: str = "", from_month: date | None = None, amount: Decimal | None = None
) -> Decision:
    """Propose what follows from a review: `change`, `stop` (with its ground), `gradual` (exit) or `grant`. The decision is another officer's.

    Raises ValidationError as those proposals do, Review.DoesNotExist outside the scope.
    """
    duties.require("enrolment.propose")
    row = _locked(review_id, version)
    reason = reason.strip() or _("动态监测：%(cause)s") % {"cause": row.get_cause_display()}  # type: ignore[attr-defined]
    assessment = row.assessment
    if assessment is None and what != "stop":
        raise ValidationError(_("这件核查没有测算；请先在家庭页测算。"))
    if what == "grant" and assessment is not None:
        made = propose(assessment=assessment, programme=row.programme, person_id=row.person_id, amount=amount, reason="" if amount is None else reason, now=now)
    elif row.award_id is None:
        raise ValidationError(_("这件核查没有在享待遇；请选择新办。"))
    elif what == "change" and assessment is not None:
        made = change_award(award_id=row.award_id, assessment=assessment, from_month=from_month, amount=amount, reason=reason, now=now)
    elif what == "stop":
        if from_month is None:
            raise ValidationError({"from_month": _("请填写停发月份。")})
        made = stop_award(award_id=row.award_id, from_month=from_month, ground=ground, reason=reason, now=now)
    elif what == "gradual" and assessment is not None:
        made = propose_gradual_exit(award_id=row.award_id, assessment=assessment, from_month=from_month, reason=reason, now=now)
    else:
        raise ValueError(what)
    row.state, row.decision, row.reason, row.version = S.PROPOSED, made, reason[:400], row.version + 1
    row.save(update_fields=["state", "decision", "reason", "version"])
    scopes.check_constraints()
    refresh_todos(area=row.area, now=now)
    return made
