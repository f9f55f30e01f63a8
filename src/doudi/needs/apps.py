from importlib import import_module

from django.apps import AppConfig


class NeedsConfig(AppConfig):
    name = "doudi.needs"

    def ready(self) -> None:
        for module in ("procedures", "clauses"):
            import_module(f"doudi.needs.{module}")
