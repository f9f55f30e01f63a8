"""Daily jobs of enrolment."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from doudi.core import periodic
from doudi.core.settings_overlay import get_setting
from doudi.enrolment import services
from doudi.enrolment.models import MonitoringRun
from doudi.enrolment.services.publicising import close_due
from doudi.enrolment.settings import NOTICE

periodic.daily(
    "enrolment.publicity", _("公示期满"), close_due, level=6, acts=["enrolment.publicise"], figures={"closed": _("期满")}
)


def monitoring(*, area: str, on: date, now: datetime) -> dict[str, int]:
    """Once a month everybody, on the other days whose facts changed since; raised standards where the county pays them by itself; what a
    suspension of exits held back; periodic reviews; gradual exits that are about to end."""
    month = on.replace(day=1)
    last = MonitoringRun.objects.filter(area=area, month=month, finished_at__isnull=False).order_by("-made_at").first()
    done = services.monitor(area=area, month=month, now=now, since=last.made_at if last else None)
    return {
        "households": done.households, "found": done.figures["new"] + done.figures["updated"],
        "raised": services.raise_automatically(area=area, on=on, now=now),
        "released": services.release_held(area=area, on=on, now=now),
        "periodic": services.raise_periodic(area=area, on=on, now=now),
        "extended": services.extend_while_suspended(area=area, on=on, now=now),
        "ending": services.notice_of_end(area=area, on=on, days=int(get_setting(NOTICE, area, on)), now=now),
    }  # fmt: skip


periodic.daily(
    "enrolment.monitoring", _("动态监测"), monitoring, level=6, acts=["enrolment.monitor", "assessment.run"],
    figures={
        "households": _("测算户数"), "found": _("新差异"), "raised": _("自动调整"), "released": _("恢复核查"), "periodic": _("定期核查"),
        "extended": _("渐退顺延"), "ending": _("渐退将满"),
    },
)  # fmt: skip

periodic.daily(
    "enrolment.spot_checks", _("抽查逾期提醒"), lambda *, area, on, now: {"reminded": services.remind_spot_checks(area=area, on=on, now=now)}, level=6,
    acts=["enrolment.spot_check"], figures={"reminded": _("提醒")},
)  # fmt: skip
periodic.daily(
    "enrolment.moved_awards", _("转入家庭待遇衔接"), lambda *, area, on, now: services.remind_moved_awards(area=area, on=on, now=now),
    acts=["enrolment.monitor"], figures={"late": _("督办"), "unpaid": _("已无人发放")},
)  # fmt: skip
periodic.daily(
    "enrolment.payees", _("代领期限提醒"), lambda *, area, on, now: {"reminded": services.remind_ending_payees(area=area, on=on, now=now)}, level=6,
    acts=["enrolment.monitor"], figures={"reminded": _("提醒")},
)  # fmt: skip
