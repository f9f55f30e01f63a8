from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DiscoveryConfig(AppConfig):
    name = "doudi.discovery"

    def ready(self) -> None:
        from doudi.core import measures, menu, panels
        from doudi.discovery import queries

        menu.add("discovery", _("救助线索"), "discovery:leads", act="discovery.view", order=10)
        menu.add("discovery", _("数据报送"), "discovery:deliveries", act="discovery.deliver", order=20)
        menu.add("discovery", _("信息比对"), "discovery:comparisons", act="discovery.compare", order=30)
        menu.add("discovery", _("数据共享目录"), "discovery:contracts", act="discovery.deliver", order=40)
        panels.add("household", _("救助线索"), queries.household_panel, "discovery/_household.html", act="discovery.view", order=30)
        panels.dashboard(_("救助线索"), queries.dashboard_card, "discovery/_dashboard.html", act="discovery.view", order=10)
        measures.serve("1.1", "discovery:deliveries", act="discovery.deliver", figure=queries.deliveries_figure)
        measures.serve("1.2", "discovery:comparisons", act="discovery.compare", figure=queries.leads_figure)
        measures.serve("1.5", "discovery:leads", act="discovery.view", figure=queries.in_time_figure)
