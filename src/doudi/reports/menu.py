"""Menu entries of reports."""

from django.utils.translation import gettext_lazy as _

from doudi.core import doors, menu

menu.add("reports", _("数据看板"), "reports:board", "reports.board", 5)
menu.add("reports", _("八项举措"), "reports:measures", "reports.view", 10)
menu.add("reports", _("统计月报"), "reports:statistics", "reports.view", 20)
menu.add("reports", _("趋势分析"), "reports:trends", "reports.view", 30)
menu.add("reports", _("上报全国平台"), "reports:national", "reports.national", 40)
menu.add("reports", _("上报问题数据"), "reports:faults", "reports.faults", 50)
doors.add("statistics", _("公开数据"), _("各地在享救助的人数，按月公布。"), "chart-bar", "reports:public", 80)
