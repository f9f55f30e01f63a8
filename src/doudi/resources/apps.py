from importlib import import_module

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    name = "doudi.resources"

    def ready(self) -> None:
        for module in ("procedures", "texts", "clauses", "suggesting"):
            import_module(f"doudi.resources.{module}")
