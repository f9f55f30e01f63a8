from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "doudi.portal"

    def ready(self) -> None:
        from doudi.core import attachable
        from doudi.portal.models import OnlineApplication

        import_module("doudi.portal.procedures")
        attachable.add("online_application", model=OnlineApplication, view="portal.receive", change="portal.send")
