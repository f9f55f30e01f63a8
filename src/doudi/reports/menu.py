"""Menu entries of reports."""

from django.utils.translation import gettext_lazy as _

from doudi.core import doors, menu

menu.add("reports", _("八项举措"), "reports:measures", "reports.view", 10)
menu.add("reports", _("统计月报"), "reports:statistics", "reports.view", 20)
menu.add("reports", _("趋势分析"), "reports:trends", "reports.view", 30)
doors.add("statistics", _("公开数据"), _("各地在享救助的人数，按月公布。"), "chart-bar", "reports:public", 80)
