"""The repair list (支付退票补正): returned lines by class with a day until which the township corrects them.

A return is never the fault of who should be paid: the entitlement stays, the money waits, and each class says what to do next.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core import audit, duties, keys, workdays
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.services.todos import raise_todos
from doudi.core.settings_overlay import get_setting
from doudi.payments.account_settings import RETURN_DAYS
from doudi.payments.models import BankReturn, Payroll, Repair

Kind = Repair.Kind

# Words of banks (domain.md, "Money") by class; the first that fits counts. `%` as in LIKE.
WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (Kind.NAME, ("%户名%", "%姓名%")),
    (Kind.CLOSED, ("%销户%", "%注销%")),
    (Kind.FROZEN, ("%冻结%", "%止付%")),
    (Kind.NOT_SETTLEMENT, ("%非结算%", "%不是结算%")),
    (Kind.MEDIUM, ("%介质%", "%挂失%", "%过期%")),
    (Kind.DORMANT, ("%状态异常%", "%睡眠%", "%休眠%", "%不动户%", "%久悬%")),
    (Kind.REPEATED, ("%重复%",)),
    (Kind.ACCOUNT, ("%账号%", "%帐号%", "%账户不存在%")),
)
# What happened, and what to do, in plain words for the township and for the person.
PLAIN: dict[str, tuple[str | Promise, str | Promise]] = {
    Kind.NAME: (gettext_lazy("银行账户上的姓名与发放表上的不一样。"), gettext_lazy("核对本人银行卡或存折上的姓名（同音字、生僻字、曾用名），按卡面更正。")),
    Kind.ACCOUNT: (gettext_lazy("银行查不到这个账号。"), gettext_lazy("请本人出示银行卡或存折，重新录入账号。")),
    Kind.CLOSED: (gettext_lazy("这个账户已经注销。"), gettext_lazy("请本人提供另一个在用的账户；没有的，协助到银行开户。")),
    Kind.FROZEN: (gettext_lazy("这个账户被冻结，钱进不去。"), gettext_lazy("换用另一个账户；或由本人到银行解除冻结后按原账户补发。")),
    Kind.DORMANT: (gettext_lazy("这个账户很久没有使用，或被银行标为异常。"), gettext_lazy("由本人带身份证到银行恢复使用后按原账户补发，或换用另一个账户。")),
    Kind.MEDIUM: (gettext_lazy("银行卡或存折已挂失、损坏或过期。"), gettext_lazy("由本人到银行换卡（折）；账号不变的按原账户补发，变了的更正账号。")),
    Kind.NOT_SETTLEMENT: (gettext_lazy("这个账户不能接收转账。"), gettext_lazy("请本人提供可以收款的结算账户（银行卡或活期存折）。")),
    Kind.REPEATED: (gettext_lazy("银行把这笔当作重复的没有处理。"), gettext_lazy("账户无误，确认后按原账户补发。")),
    Kind.OTHER: (gettext_lazy("银行没有付出这笔钱。"), gettext_lazy("向银行问清原因后更正账户，或按原账户补发。")),
}
# An account that works again may be paid again; one that does not exist may not.
SAME_AGAIN = {Kind.FROZEN, Kind.DORMANT, Kind.MEDIUM, Kind.REPEATED, Kind.OTHER}
STEPS: dict[str, str | Promise] = {
    BankReturn.State.OPEN: gettext_lazy("乡镇核对并更正账户"),
    BankReturn.State.PROPOSED: gettext_lazy("县级确认更正"),
    BankReturn.State.CORRECTED: gettext_lazy("等待重新发放批次"),
    BankReturn.State.REISSUED: gettext_lazy("已重新发放"),
}
HOLDER = r"(?:户名|姓名)(?:为|是|[:：])\s*([^，,；;）)（(\s]{1,30})"
AROUND = r"[，,；;（(]*\s*(?:账户|账上)?" + HOLDER + r"[）)]*"
CLASS = "case " + " ".join("when " + " or ".join("reason like %s" for _word in words) + " then %s" for _kind, words in WORDS) + " else 'other' end"
CLASS_VALUES = [value for kind, words in WORDS for value in (*words, str(kind))]


def take_holders(cursor: Any) -> dict[int, str]:
    """Holders' names that the bank's reasons give (pg_temp.bank_answer), by line id; the reasons lose them, so that no list shows them."""
    cursor.execute("select line_id, substring(reason from %s) from pg_temp.bank_answer where reason ~ %s", [HOLDER, HOLDER])
    found = {line: name for line, name in cursor.fetchall() if line is not None}
    if found:
        cursor.execute("update pg_temp.bank_answer set reason = regexp_replace(reason, %s, '') where reason ~ %s", [AROUND, HOLDER])
    return found


def due_of(area: str, on: date) -> date:
    """The day by which a township corrects what came back on a day."""
    return workdays.add_working_days(on, int(get_setting(RETURN_DAYS, area, on)))


def open_repairs(cursor: Any, payroll: Payroll, holders: dict[int, str], *, on: date) -> None:
    """Put the returned lines of a payroll on the repair list, with one statement; holders' names are sealed."""
    cursor.execute("create temporary table return_holder (line_id bigint primary key, holder bytea) on commit drop")
    with cursor.copy("copy pg_temp.return_holder from stdin") as copy:
        for line, name in holders.items():
            copy.write_row((line, keys.seal_text(name)))
    cursor.execute(
        f"insert into payments_repair (id, area, kind, since, due, holder) select r.id, r.area, {CLASS}, %s, %s, h.holder from payments_bankreturn r"
        " left join pg_temp.return_holder h on h.line_id = r.line_id where r.payroll_id = %s and r.state = 'open' and r.amount > 0"
        " and not exists (select from payments_repair x where x.id = r.id) order by r.id",
        [*CLASS_VALUES, on, due_of(payroll.area, on), payroll.pk],
    )
    cursor.execute("drop table pg_temp.return_holder")


@transaction.atomic
def holder_of(*, return_id: int) -> str:
    """The name on the account as the bank told it, after the access record: for the duty that corrects it, and nobody else."""
    acting = duties.require("payments.holder")
    row = Repair.objects.filter(pk=return_id).first()
    if row is None or not acting.covers(row.area) or row.holder is None:
        raise ValidationError(_("银行没有提供户名，或这笔退票不在您的管辖范围内。"))
    audit.record_access(what="reveal", subject="bank_return", subject_id=row.pk, area=row.area, field="holder", reason="核对退票户名")
    return str(row.holder)


LATE = """
select left(r.area, 6), %s, 'payments.returns_late', %s || '：' || count(*) || ' 笔', '/payments/returns/?late=1', 'area', left(r.area, 6)::bigint, null::date
from payments_repair r join payments_bankreturn b on b.id = r.id
where b.state = 'open' and r.due < %s and r.area >= %s and r.area < %s group by 1, left(r.area, 6)::bigint
"""


def remind_late(*, area: str, on: date, now: datetime) -> int:
    """To-dos of the county for returns that their townships have not corrected in time; the number of returns that are late."""
    here = scopes.Scope(area=area)
    late = BankReturn.objects.filter(area__gte=here.low, area__lt=here.high, state=BankReturn.State.OPEN, repair__due__lt=on).count()
    raise_todos(LATE, [Duty.COUNTY_REVIEWER, "支付退票逾期未更正", on, here.low, here.high], now=now)
    if not late:
        with connection.cursor() as cursor:
            cursor.execute(
                "update core_todo set done_at = %s where kind = 'payments.returns_late' and area >= %s and area < %s and done_at is null", [now, here.low, here.high]
            )
    return late


def age_of(row: Repair, on: date) -> int:
    """Days since the bank's answer was booked."""
    return max(on - row.since, timedelta()).days
