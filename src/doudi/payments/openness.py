"""What a recipient may see of their payments (公开告知): amount, month, day, and why it changed, in plain words, Chinese and English.

Frozen rows for whoever tells them: the hotline's operator after the caller has been identified (with a record), the portal. Nothing of other
households, no whole account number, no officer's remark.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.batch import idnumber
from doudi.core import audit, duties, keys, numbers
from doudi.core.templatetags import ui
from doudi.payments.models import paid_label
from doudi.registry.models import Membership, Person

MOST = 24
LANGUAGES = ("zh-hans", "en")


@dataclass(frozen=True)
class Told:
    """One payment, or one that waits. `paid_on`: day on which the bank booked it, None while it is on its way; `amount` yuan.

    `state`: paid, returned, on_the_way, waiting. `zh` and `en`: benefit, why this amount, and what to expect, each a tuple of sentences.
    """

    month: date
    paid_on: date | None
    amount: Decimal
    programme: str
    state: str
    account_tail: str
    zh: tuple[str, ...]
    en: tuple[str, ...]


# Each line beside the regular line of the month before of the same entitlement.
LINES = """
select l.month_entitled, l.month_paid, l.kind, l.programme, l.amount, l.mark, l.account, p.state, p.booked_at, p.month, r.state as return_state,
  w.amount as before, w.decision_id is distinct from l.decision_id as decided, d.kind as decision_kind, coalesce(d.content->>'document', '') as document,
  a.starts = l.month_entitled as begins,
  exists (select from payments_payrollline f where f.entitlement_id = l.entitlement_id and f.kind = 'regular' and f.month_entitled < l.month_entitled) as earlier
from (select * from payments_payrollline where household_id = any(%s) order by month_paid desc, month_entitled desc, id desc limit %s) l
join payments_payroll p on p.id = l.payroll_id and p.state in ('approved', 'released', 'booked')
left join payments_bankreturn r on r.line_id = l.id and r.month_entitled = l.month_entitled
left join payments_payrollline w on w.entitlement_id = l.entitlement_id and w.kind = 'regular' and l.kind = 'regular'
  and w.month_entitled = (l.month_entitled - interval '1 month')::date
left join enrolment_decision d on d.id = l.decision_id
left join enrolment_award a on a.id = l.entitlement_id
order by l.month_paid desc, l.month_entitled desc, l.id desc
"""
WAITING = """
select x.month_entitled, x.programme, x.amount, x.reason from payments_payrollexclusion x
join payments_payroll p on p.id = x.payroll_id
where x.household_id = any(%s) and not exists (
  select from payments_payrollline l where l.entitlement_id = x.entitlement_id and l.month_entitled = x.month_entitled and l.kind = 'regular')
  and p.month = (select max(q.month) from payments_payroll q where q.area = p.area and q.kind = p.kind)
order by x.month_entitled desc limit %s
"""
# Why money waits, and what helps; the officer's own note is not for everybody.
WAITS: dict[str, str | Promise] = {
    "no_account": gettext_lazy("还没有登记收款账户；请带身份证和银行卡到乡镇（街道）登记，登记后一并补发。"),
    "suspended": gettext_lazy("目前暂停发放；原因和恢复办法请向乡镇（街道）咨询。"),
    "cooling": gettext_lazy("收款账户刚刚变更，为防止冒领要等几天，期满后一并补发；急需时请告诉乡镇（街道）。"),
    "payee_over": gettext_lazy("代领的期限已满；请到乡镇（街道）续办，办好后一并补发。"),
    "payee_died": gettext_lazy("领款人已去世；请家人到乡镇（街道）确定新的领款人，之后一并补发。"),
    "returned": gettext_lazy("上次的款项被银行退回；请带银行卡到乡镇（街道）核对账户，更正后一并补发。这不是您的过错。"),
    "held": gettext_lazy("正在核对，核对清楚后一并补发。"),
    "no_fund": gettext_lazy("资金正在落实，落实后一并补发。"),
    "paid_elsewhere": gettext_lazy("本月已在别处享受同类待遇，不重复发放。"),
}
RETURNED: str | Promise = gettext_lazy("银行没有付出这笔钱，已通知乡镇（街道）核对账户，更正后重新发放。这不是您的过错。")


def _why(row: dict[str, Any]) -> str:
    """Why this amount, in one sentence in the active language; "" where nothing changed."""
    if row["kind"] == "setoff":
        return _("从本月待遇中抵扣以前多发的款项。")
    if row["kind"] == "back":
        return _("补发以前月份少发的部分。")
    if row["kind"] == "reissue":
        return _("上次被银行退回，账户更正后重新发放。")
    if row["kind"] == "grant":
        return _("一次性发放。")
    if row["mark"] == "death":
        return _("家庭成员去世后，从次月起不再包含其份额。")
    if row["before"] is None:
        return _("这项待遇从本月开始发放。") if row["begins"] and not row["earlier"] else _("补发以前没有发放的月份。") if row["mark"] == "arrears" else ""
    if row["before"] == row["amount"]:
        return _("补发以前没有发放的月份。") if row["mark"] == "arrears" else ""
    words = {"before": ui.money(row["before"]), "document": row["document"]}
    if row["decided"] and row["document"]:
        return _("上月 %(before)s 元；按 %(document)s 调整。") % words
    return _("上月 %(before)s 元；家庭情况变化后按新的审核决定调整。") % words if row["decided"] else _("上月 %(before)s 元。") % words


def _said(row: dict[str, Any]) -> tuple[str, ...]:
    month = f"{row['month_entitled']:%Y-%m}"
    first = _("%(month)s %(programme)s %(amount)s 元") % {"month": month, "programme": paid_label(row["programme"]), "amount": ui.money(row["amount"])}
    end = RETURNED if row["told"] == "returned" else _("已报银行，通常几天内到账。") if row["told"] == "on_the_way" else ""
    return tuple(str(part) for part in (first, _why(row), end) if part)


def _waits(row: dict[str, Any]) -> tuple[str, ...]:
    words = {"month": f"{row['month_entitled']:%Y-%m}", "programme": paid_label(row["programme"]), "amount": ui.money(row["amount"])}
    return (str(_("%(month)s %(programme)s %(amount)s 元还没有发放") % words), str(WAITS.get(row["reason"], WAITS["held"])))


def _both(say: Any, row: dict[str, Any]) -> list[tuple[str, ...]]:
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found.append(say(row))
    return found


def _rows(sql: str, values: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def told_to(household_ids: list[int], *, most: int = MOST) -> list[Told]:
    """What households may be told of their last payments and of what waits, newest first; two queries. Under the acting scope, no record of its own."""
    found: list[Told] = []
    for row in _rows(WAITING, [household_ids, most]):
        zh, en = _both(_waits, row)
        found.append(Told(row["month_entitled"], None, row["amount"], row["programme"], "waiting", "", zh, en))
    for row in _rows(LINES, [household_ids, most]):
        row["told"] = "returned" if row["return_state"] not in (None, "reissued") else "paid" if row["state"] == "booked" else "on_the_way"
        if row["return_state"] == "reissued":
            continue  # the reissue tells it
        zh, en = _both(_said, row)
        day = timezone.localdate(row["booked_at"]) if row["told"] == "paid" and row["booked_at"] else None
        found.append(Told(row["month_entitled"], day, row["amount"], row["programme"], row["told"], str(ui.tail(numbers.plain(row["account"]))), zh, en))
    return sorted(found, key=lambda one: (one.month, one.paid_on or date.max), reverse=True)[:most]


def households_of(person: Person, on: date) -> list[int]:
    """Households of which somebody is a member on a day."""
    rows = Membership.objects.filter(person=person, starts__lte=on).exclude(ends__lte=on)
    return list(rows.values_list("household_id", flat=True))


def identify_caller(*, name: str, id_number: str, check: str, now: datetime) -> Person:
    """Who is on the phone: name and ID number as registered, and the end of the account or the phone number. Recorded before anything is answered.

    Every failure has one answer, so that nobody learns from it who receives help.
    """
    acting = duties.require("payments.tell")
    wrong = ValidationError(_("所报信息与登记不一致，不能告知发放情况；请来电人核对，或带身份证到乡镇（街道）查询。"))
    try:
        number = idnumber.parse(id_number, on=timezone.localdate(now)).number18
    except idnumber.IdNumberError:
        raise ValidationError({"id_number": _("身份证号不正确，请重新核对。")}) from None
    person = Person.objects.filter(token=numbers.id_token(number)).first()
    digits = "".join(each for each in check if each.isascii() and each.isdigit())
    fits = person is not None and person.name == name.strip() and len(digits) >= 4 and _knows(person, digits)
    audit.record_access(
        what="lookup" if fits else "refused", subject="person", subject_id=person.pk if fits and person else None, area=person.area if fits and person else acting.area,
        field="payments", digest=keys.sealing_digest(number), reason="来电人查询发放情况",
    )  # fmt: skip
    if not fits or person is None:
        raise wrong
    return person


def _knows(person: Person, digits: str) -> bool:
    """Whether somebody knows the last four digits of the account, or the whole phone number."""
    account, phone = numbers.plain(person.account) if person.account else "", numbers.plain(person.phone) if person.phone else ""
    return bool(account and len(digits) == 4 and account.endswith(digits)) or bool(phone and digits == phone)
