from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "doudi.reports"

    def ready(self) -> None:
        from doudi.core import menu

        menu.add("reports", _("八项举措"), "reports:measures", act="reports.view", order=10)
