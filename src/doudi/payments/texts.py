"""Messages that payments sends."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import STAFF, Template, templates

templates.add(
    Template(
        "payroll.due",
        _("发放环节到期提醒"),
        to=STAFF,
        zh="{place}{month}发放：请于 {day} 前{what}；资金须于 {due} 前到账。",
        en="Payroll of {place}, {month}: by {day} 「{what}」 is to be done; the money must arrive by {due}.",
    ),
    Template(
        "payroll.late",
        _("发放环节逾期"),
        to=STAFF,
        zh="{place}{month}发放逾期：应于 {day} 前{what}；资金须于 {due} 前到账。",
        en="Payroll of {place}, {month}, is late: 「{what}」 was due by {day}; the money must arrive by {due}.",
    ),
)
