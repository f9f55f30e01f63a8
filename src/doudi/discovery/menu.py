"""Menu entries of discovery."""

from django.utils.translation import gettext_lazy as _

from doudi.core import menu

menu.add("discovery", _("救助线索"), "discovery:leads", "discovery.view", 10)
menu.add("discovery", _("数据报送"), "discovery:deliveries", "discovery.deliver", 20)
menu.add("discovery", _("信息比对"), "discovery:comparisons", "discovery.compare", 30)
menu.add("discovery", _("预警指标"), "discovery:indicators", "discovery.view", 35)
menu.add("discovery", _("数据共享目录"), "discovery:contracts", "discovery.deliver", 40)
