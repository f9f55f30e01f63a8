"""Messages that discovery sends. What people outside the offices are told names no person, no programme and nothing of health."""

from django.utils.translation import gettext_lazy as _

from doudi.core.messaging import PEOPLE, STAFF, Template, templates

templates.add(
    Template(
        "lead.assigned",
        _("线索分派"),
        to=STAFF,
        zh="分派给您的救助线索 {count} 条（{number}），最早须在 {due} 前联系。",
        en="{count} lead(s) were assigned to you ({number}); first contact is due by {due}.",
    ),
    Template(
        "report.ended",
        _("报告的结果"),
        to=STAFF,
        zh="您 {day} 的报告（{number}）已有结果：{outcome}。",
        en="Your report of {day} ({number}) has come to an end: {outcome}.",
    ),
    Template(
        "report.answered",
        _("报告的结果"),
        to=PEOPLE,
        zh="您 {day} 报告的情况（{number}）民政部门已核实办结，感谢您的报告。",
        en="The civil affairs office has dealt with your report of {day} ({number}). Thank you for reporting.",
    ),
)
