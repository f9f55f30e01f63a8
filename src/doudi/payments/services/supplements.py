"""Supplementary payrolls (补发批次): what is due for the month and earlier and stands in no payroll, once the regular one is on its way.

That is what was decided after the data freeze, and what was left out and may be paid now (an account was given, a suspension ended).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core.parameters import Procedure, declare
from doudi.core.services.todos import finish_todos
from doudi.core.settings_overlay import get_setting
from doudi.payments.models import Payroll
from doudi.payments.services import drafts, payrolls

SUPPLEMENT = "procedure.payroll.supplement"
declare(Procedure(SUPPLEMENT, gettext_lazy("冻结后审批的待遇当月补发（否则随下月发放）"), "switch", Decimal(1), "系统默认", False, 0, 1))


def may_supplement(area: str, month: date) -> bool:
    """Whether the county pays within the month what came after the freeze."""
    return bool(get_setting(SUPPLEMENT, area, month.replace(day=1)))


@transaction.atomic
def prepare_supplement(*, area: str, month: date, now: datetime) -> drafts.Prepared:
    """Prepare (编制) the supplementary payroll of a county and month, or refresh its draft. Raises ValidationError where nothing is due."""
    drafts.county_of(area, "payments.prepare")
    first, month = drafts.payable(month)
    if not may_supplement(area, month):
        raise ValidationError(_("本县设置为冻结后审批的待遇随下月发放，不编制补发批次。"))
    drafts.wait_for_turn(area)
    regular = Payroll.objects.filter(area=area, month=month, kind=Payroll.Kind.REGULAR).first()
    if regular is None or regular.state == Payroll.State.DRAFT:
        raise ValidationError(_("本月正常发放批次尚未提交审批；提交后才能编制补发批次。"))
    payroll = drafts.draft_of(area=area, month=month, kind=Payroll.Kind.SUPPLEMENT, now=now)
    try:
        with transaction.atomic():
            found = payrolls.write(payroll, first, now)
    except IntegrityError as error:
        raise ValidationError(_("生成明细时数据有变动，未写入任何明细；请重新生成。")) from error
    if not found.lines and not payroll.reviews.filter(verdict="held").exists():
        raise ValidationError(_("没有需要补发的待遇：应发的都已在批次中，或仍有未列入的原因。"))
    finish_todos(subject="payroll_supplement", subject_id=regular.pk, now=now)
    drafts.ask_for_check(payroll, "补发批次", now=now)
    return found
