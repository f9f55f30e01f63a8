"""Rules by which a line stands out before the check (异常明细): declared once, with dated thresholds of each county (4.3).

Each rule is one SELECT over `look_cur` (what the payroll pays each entitlement), `look_prev` (the month before) and `look_diff` (what differs):
entitlement_id and the number that it saw. Two settings each: the threshold (0: the rule is off), and whether a reviewer must have looked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from doudi.core.parameters import Procedure, declare
from doudi.payments.calendar import PREFIX


@dataclass(frozen=True)
class Rule:
    """`told(detail)`: what the page says of a line. The SELECT reads %(NAME)s, the threshold."""

    name: str
    label: str | Promise
    unit: str
    default: int
    most: int
    must: bool
    sql: str
    told: Callable[[Decimal], str]
    review: str | Promise
    whole: bool = True

    @property
    def parameter(self) -> str:
        return f"{PREFIX}unusual.{self.name}"

    @property
    def review_parameter(self) -> str:
        return f"{PREFIX}review.{self.name}"


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


RULES = (
    Rule(
        "death", gettext_lazy("异常提示：成员死亡"), "switch", 1, 1, True,
        "select entitlement_id, 0 from look_cur where death",
        lambda _detail: _("家庭成员已死亡，已扣除其份额"), gettext_lazy("成员死亡的明细须逐笔复核"),
    ),
    Rule(
        "change", gettext_lazy("异常提示：月金额增减达到（0 为不提示）"), "per cent", 100, 1000, True,
        "select c.entitlement_id, round(c.monthly * 100 / p.monthly - 100, 2) from look_cur c join look_prev p using (entitlement_id)"
        " where p.monthly > 0 and abs(c.monthly - p.monthly) * 100 >= %(change)s * p.monthly",
        lambda detail: _("月金额较上月变动 %(n)s%%") % {"n": f"{detail:+.0f}"}, gettext_lazy("金额大幅增减的明细须逐笔复核"),
    ),
    Rule(
        "standard", gettext_lazy("异常提示：低保每人月金额超过当地标准（0 为不提示）"), "multiple", 1, 20, True,
        "select c.entitlement_id, round(c.monthly / c.members / s.amount, 2) from look_cur c"
        " join (values ('urban', %(urban)s::numeric), ('rural', %(rural)s::numeric)) s (residence, amount) on s.residence = c.residence"
        " where c.programme in ('dibao', 'dibao_single') and c.members > 0 and s.amount > 0 and c.monthly > %(standard)s * s.amount * c.members",
        lambda detail: _("每人月金额为当地标准的 %(n)s 倍") % {"n": plain(detail)}, gettext_lazy("超过标准的明细须逐笔复核"), False,
    ),
    Rule(
        "shared", gettext_lazy("异常提示：同一账户领款户数达到（0 为不提示）"), "number", 3, 100, True,
        "select c.entitlement_id, s.n from look_cur c join (select account, count(distinct household_id) as n from look_cur"
        " where account in (select account from look_cur group by 1 having count(*) >= %(shared)s) group by 1"
        " having count(distinct household_id) >= %(shared)s) s on s.account = c.account",
        lambda detail: _("同一账户 %(n)s 户领款") % {"n": plain(detail)}, gettext_lazy("多户共用账户的明细须逐笔复核"),
    ),
    Rule(
        "outsider", gettext_lazy("异常提示：领款人不是家庭成员（首次或更换时）"), "switch", 1, 1, True,
        "select c.entitlement_id, 0 from look_cur c"
        " left join look_prev p on p.entitlement_id = c.entitlement_id and p.payee_id = c.payee_id"
        " left join doudi.registry_membership m on m.household_id = c.household_id and m.person_id = c.payee_id and (m.ends is null or m.ends > %(month)s)"
        " left join doudi.enrolment_awardmember w on w.award_id = c.entitlement_id and w.person_id = c.payee_id and not w.void"
        " where c.residence is not null and c.payee_id is not null and p.entitlement_id is null and m.id is null and w.id is null",
        lambda _detail: _("领款人不是家庭成员"), gettext_lazy("领款人不是家庭成员的明细须逐笔复核"),
    ),
    Rule(
        "arrears", gettext_lazy("异常提示：补付以前月份达到（0 为不提示）"), "months", 3, 60, True,
        "select entitlement_id, late_months from look_cur where late_months >= %(arrears)s",
        lambda detail: _("补付以前 %(n)s 个月") % {"n": plain(detail)}, gettext_lazy("补付多个月的明细须逐笔复核"),
    ),
    Rule(
        "first", gettext_lazy("异常提示：首次发放"), "switch", 1, 1, False,
        "select entitlement_id, 0 from look_diff where what = 'added' and why = 'granted'",
        lambda _detail: _("首次发放"), gettext_lazy("首次发放的明细须逐笔复核"),
    ),
    Rule(
        "age", gettext_lazy("异常提示：保障对象或领款人年满（0 为不提示）"), "years", 100, 150, True,
        "select c.entitlement_id, max(extract(year from age(%(month)s, o.birth_date))) from (select id, birth_date from doudi.registry_person"
        " where birth_date <= (%(month)s::date - make_interval(years => %(age)s::int))::date and died_on is null) o"
        " join (select award_id, person_id from doudi.enrolment_awardmember where not void and starts <= %(month)s and (ends is null or ends > %(month)s)"
        " union select entitlement_id, payee_id from look_cur where payee_id is not null) w on w.person_id = o.id"
        " join look_cur c on c.entitlement_id = w.award_id group by 1",
        lambda detail: _("年满 %(n)s 周岁") % {"n": plain(detail)}, gettext_lazy("高龄人员的明细须逐笔复核"),
    ),
)  # fmt: skip
BY_NAME = {rule.name: rule for rule in RULES}
declare(
    *(Procedure(rule.parameter, rule.label, rule.unit, Decimal(rule.default), "系统默认", False, 0, rule.most, rule.whole) for rule in RULES),
    *(Procedure(rule.review_parameter, rule.review, "switch", Decimal(int(rule.must)), "系统默认", False, 0, 1) for rule in RULES),
)


def why(rule: str, detail: Decimal) -> str:
    """A flag in words; a rule that is not declared any more by its name."""
    found = BY_NAME.get(rule)
    return found.told(detail) if found else rule
