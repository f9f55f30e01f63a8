"""Menu entries of discovery."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("discovery", _("救助线索"), "discovery:leads", "discovery.view", 10)
menu.add("discovery", _("来电登记"), "discovery:hotline", "hotline.take", 5)
menu.add("discovery", _("来电记录"), "discovery:calls", "hotline.view", 12)
menu.add("discovery", _("回电与回访"), "discovery:callbacks", "hotline.view", 13)
menu.add("discovery", _("热线质量"), "discovery:hotline_quality", "hotline.view", 14)
menu.add("discovery", _("热线受理台"), "discovery:desks", "hotline.view", 15)
menu.add("discovery", _("我的线索"), "discovery:leads_mine", "discovery.mine", 5)
menu.add("discovery", _("报告困难群众"), "discovery:team_report", "discovery.mine", 6)
menu.add("discovery", _("我的报告"), "discovery:team_reports", "discovery.mine", 7)
menu.add("discovery", _("今日走访"), "discovery:visits_today", "visits.mine", 3)
menu.add("discovery", _("我的排查"), "discovery:sweeps_mine", "sweeps.mine", 4)
menu.add("discovery", _("集中排查"), "discovery:sweeps", "sweeps.view", 10)
menu.add("discovery", _("入户走访"), "discovery:visits", "visits.view", 11)
menu.add("discovery", _("走访计划"), "discovery:visit_plans", "visits.view", 11)
menu.add("discovery", _("走访进度"), "discovery:visit_progress", "visits.view", 11)
menu.add("discovery", _("走访记录冲突"), "discovery:visit_conflicts", "visits.manage", 11)
menu.add("discovery", _("走访手机"), "discovery:visit_devices", "visits.devices", 11)
menu.add("discovery", _("发现时效"), "discovery:timing", "discovery.timing", 12)
menu.add("discovery", _("外地转办"), "discovery:referrals", "discovery.refer", 14)
menu.add("discovery", _("主动发现队伍"), "discovery:team", "discovery.roster", 16)
menu.add("discovery", _("数据报送"), "discovery:deliveries", "discovery.deliver", 20)
menu.add("discovery", _("部门报送情况"), "discovery:delivery_departments", "discovery.deliver", 22)
menu.add("discovery", _("信息比对"), "discovery:comparisons", "discovery.compare", 30)
menu.add("discovery", _("疑似同一人核查"), "discovery:linkage", "discovery.link", 32)
menu.add("discovery", _("预警指标"), "discovery:indicators", "discovery.view", 35)
menu.add("discovery", _("数据共享目录"), "discovery:contracts", "discovery.deliver", 40)
