"""Making letters (制发文书) and certificates (低保证). What was made is recorded; the paper itself is made again from frozen content."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from doudi.core import audit, duties
from doudi.core import letters as pdf
from doudi.core import scope as scopes
from doudi.enrolment import letters
from doudi.enrolment.models import Award, Case, Certificate, Decision, Letter
from doudi.registry.models import Programme

MAKERS = {Letter.Kind.NOTICE: letters.notices, Letter.Kind.APPROVAL: letters.approvals}
# Without 0, 1, I, O: a code is also typed by hand.
ALPHABET, LENGTH = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 16
CERTIFIED = (Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.TEKUN)


def make_letters(*, kind: str, decision_ids: Sequence[int], now: datetime) -> list[dict[str, Any]]:
    """The letters of approved decisions, in the order of their numbers, as data for the template; recorded as made and as read.

    Raises ValidationError: none picked, too many, one that is not approved. Ids out of scope are left out like ids that do not exist.
    """
    acting = duties.require("enrolment.letters")
    if kind not in Letter.Kind.values:
        raise ValidationError(_("请选择文书种类。"))
    if not 0 < len(set(decision_ids)) <= pdf.MOST:
        raise ValidationError(_("请勾选 1 至 %(most)s 件；更多的请分批打印。") % {"most": pdf.MOST})
    rows = list(
        Decision.objects.filter(pk__in=decision_ids)
        .select_related("household", "person", "assessment__settings", "proposed_by", "decided_by")
        .order_by("number")
    )
    if not rows:
        raise ValidationError(_("没有找到所选事项；请刷新列表后重试。"))
    if waiting := [row.number for row in rows if row.state != Decision.State.APPROVED]:
        raise ValidationError(_("%(number)s 还没有审核确认，不能制发文书。") % {"number": "、".join(waiting[:5])})
    for area in sorted({row.area for row in rows}):
        audit.record_access(what="export", subject="decision", area=area, field=f"letter:{kind}")
    made = MAKERS[Letter.Kind(kind)](rows)
    Letter.objects.bulk_create([Letter(area=row.area, decision=row, kind=kind, made_by_id=acting.account_id, made_at=now) for row in rows])
    scopes.check_constraints()
    return made


def notice_of(*, case: Case) -> dict[str, Any] | None:
    """The notice of a case as data for page and paper, from the frozen decision; None while there is nothing to tell. The opening is recorded."""
    duties.require("enrolment.cases")
    if case.outcome not in (Case.Outcome.GRANTED, Case.Outcome.REFUSED, Case.Outcome.NOT_ACCEPTED):
        return None
    audit.record_access(what="open", subject="household", subject_id=case.household_id, area=case.area, field="notice")
    if case.outcome == Case.Outcome.NOT_ACCEPTED or case.decision_id is None:
        return letters.not_accepted(case)
    rows = Decision.objects.filter(pk=case.decision_id).select_related("household", "person", "assessment__settings")
    return letters.notices(list(rows))[0]


def issue_notice(*, case_id: int, now: datetime) -> dict[str, Any]:
    """The notice of a case for its PDF; recorded as made. Raises ValidationError while the case has no outcome to tell."""
    duties.require("enrolment.letters")
    case = Case.objects.select_related("application__applicant").get(pk=case_id)
    if case.outcome in (Case.Outcome.GRANTED, Case.Outcome.REFUSED) and case.decision_id is not None:
        return make_letters(kind=Letter.Kind.NOTICE, decision_ids=[case.decision_id], now=now)[0]
    made = notice_of(case=case)
    if made is None:
        raise ValidationError(_("该件尚无办理结果，不能制发告知书。"))
    audit.record_access(what="export", subject="case", subject_id=case.pk, area=case.area, field="letter:notice")
    return made


def issue_certificate(*, award_id: int, reason: str = "", now: datetime) -> Certificate:
    """The certificate of a running award: the one in force, or a new one. With `reason` (lost, damaged, members changed) it replaces the old,
    whose code then says that it is no longer valid. Raises ValidationError, Award.DoesNotExist.
    """
    acting = duties.require("enrolment.letters")
    award = Award.objects.select_for_update(of=("self",)).select_related("household").get(pk=award_id)
    if award.void or award.ends is not None or award.programme not in CERTIFIED:
        raise ValidationError(_("只为在享的低保、特困待遇制发证件；这项待遇已停发、作废或不发证。"))
    current = Certificate.objects.filter(award=award, replaced_at=None).first()
    if current is not None and not reason.strip():
        return current
    if current is not None:
        Certificate.objects.filter(pk=current.pk).update(replaced_at=now, replaced_reason=reason.strip()[:200])
    count = Certificate.objects.filter(award=award).count()
    made = Certificate.objects.create(
        area=award.area, award=award, number=f"{award.area[:6]}{award.pk:010d}{'' if not count else f'-{count + 1}'}",
        code="".join(secrets.choice(ALPHABET) for _place in range(LENGTH)), made_by_id=acting.account_id, made_at=now,
    )  # fmt: skip
    scopes.check_constraints()
    return made


def certificate_paper(*, certificate: Certificate, url: str) -> dict[str, Any]:
    """The certificate as data for the template; the opening is recorded."""
    duties.require("enrolment.letters")
    audit.record_access(what="export", subject="household", subject_id=certificate.award.household_id, area=certificate.area, field="certificate")
    return letters.certificate(certificate, url=url)


def check_certificate(*, code: str, on: date) -> dict[str, Any] | None:
    """What anybody with the code may know, without a scope: programme, county, first month, whether it is in force. None: no such code.

    Asks a function of the database that takes the whole code and names nobody.
    """
    wanted = code.replace("-", "").upper()
    if len(wanted) != LENGTH or set(wanted) - set(ALPHABET):
        return None
    with connection.cursor() as cursor:
        cursor.execute("select programme, county, since, state from doudi.certificate_state(%s, %s)", [wanted, on])
        row = cursor.fetchone()
    return dict(zip(("programme", "county", "since", "state"), row, strict=True)) if row else None
