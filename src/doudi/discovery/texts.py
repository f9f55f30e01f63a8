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
    Template(
        "lead.urged",
        _("群众催办"),
        to=STAFF,
        zh="群众再次来电，催办救助线索 {number}，请尽快联系。",
        en="The caller of lead {number} called again; please get in touch soon.",
    ),
    Template(
        "todo.lead_overdue",
        _("线索督办"),
        to=STAFF,
        zh="有 {count} 条救助线索超期（{due}），需要您督办。",
        en="{count} lead(s) are overdue ({due}) and have come up to you.",
    ),
    Template(
        "todo.referral_overdue",
        _("转办督办"),
        to=STAFF,
        zh="有 {count} 条外地转来的救助线索超期未签收（{due}），需要您督办。",
        en="{count} lead(s) passed on from elsewhere are overdue for receipt ({due}) and have come up to you.",
    ),
    Template(
        "todo.lead_referral",
        _("外地转来线索"),
        to=STAFF,
        zh="外地转来一条救助线索，请签收（{due} 起计）。",
        en="A lead was passed on to you from elsewhere; please take it (counted from {due}).",
    ),
    Template(
        "todo.lead_returned",
        _("转办被退回"),
        to=STAFF,
        zh="您转往外地的一条救助线索被退回，请在 {due} 前重新转办或自行办理。",
        en="A lead that you passed on was sent back; please pass it on again or deal with it by {due}.",
    ),
    Template(
        "todo.delivery_late",
        _("部门数据逾期"),
        to=STAFF,
        zh="有 {count} 项部门数据逾期未报，最早应于 {due} 前报送，请联系部门。",
        en="{count} dataset(s) of departments are late, the first since {due}; please ask for them.",
    ),
    Template(
        "sweep.begun",
        _("集中排查开始"),
        to=STAFF,
        zh="集中排查“{title}”：您有 {count} 户，请在 {ends} 前逐户登记。",
        en="Sweep “{title}”: {count} household(s) are yours, to be recorded by {ends}.",
    ),
    Template(
        "todo.sweep.remind",
        _("集中排查临期"),
        to=STAFF,
        zh="{count} 个集中排查将于 {due} 截止，您辖区还有家庭未排查。",
        en="{count} sweep(s) end on {due} and households of your place are still open.",
    ),
    Template(
        "todo.sweep.unreached",
        _("集中排查未排查到"),
        to=STAFF,
        zh="集中排查结束，您辖区 {count} 个村（社区）有家庭未排查到，请在 {due} 前补走访。",
        en="A sweep has ended: in {count} village(s) of yours households were not reached; please have them visited by {due}.",
    ),
    Template(
        "todo.sweep.unposted",
        _("排查无人负责"),
        to=STAFF,
        zh="集中排查：您辖区 有村（社区）没有走访员（{count} 项待办，{due} 前），请改派。",
        en="Sweep: villages of yours have no visitor ({count} to-do(s), by {due}); please assign somebody.",
    ),
    Template(
        "visit.asked",
        _("安排走访"),
        to=STAFF,
        zh="请在 {due} 前走访 {place} 一户家庭。",
        en="Please visit a household in {place} by {due}.",
    ),
    Template(
        "visit.missed",
        _("走访逾期"),
        to=STAFF,
        zh="您有 {count} 户走访今天起逾期，请尽快补走访。",
        en="{count} of your visits are overdue from today; please make them soon.",
    ),
    Template(
        "todo.visit.missed",
        _("走访督办"),
        to=STAFF,
        zh="您辖区 {count} 处有走访逾期（{due}），请督促。",
        en="Visits are overdue at {count} place(s) of yours ({due}); please see to them.",
    ),
)
