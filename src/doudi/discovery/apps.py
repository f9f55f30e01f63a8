from importlib import import_module

from django.apps import AppConfig


class DiscoveryConfig(AppConfig):
    name = "doudi.discovery"

    def ready(self) -> None:
        import_module("doudi.discovery.lakefiles")
        import_module("doudi.discovery.thresholds")
        import_module("doudi.discovery.delivery_queries")
        import_module("doudi.discovery.linkage_settings")
