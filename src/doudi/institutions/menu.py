"""Entries of 民政服务机构 in the side menu."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("institutions", _("今日上报"), "institutions:mine", "institutions.mine", 5)
menu.add("institutions", _("每日报告"), "institutions:reports", "institutions.oversee", 10)
menu.add("institutions", _("机构"), "institutions:institutions", "institutions.view", 20)
menu.add("institutions", _("协调事项"), "institutions:requests", "requests.view", 15)
menu.add("institutions", _("转移安置"), "institutions:transfers", "transfers.view", 17)
menu.add("institutions", _("全域一览"), "institutions:overview", "institutions.oversee", 12)
menu.add("institutions", _("专项工作组"), "institutions:groups", "group.view", 60)
menu.add("institutions", _("探视与封闭管理"), "institutions:visits", "institutions.visits", 65)
menu.add("institutions", _("表格上报"), "institutions:upload", "institutions.report", 70)
menu.add("institutions", _("物资目录"), "institutions:items", "institutions.view", 80)
