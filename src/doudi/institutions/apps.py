from importlib import import_module

from django.apps import AppConfig


class InstitutionsConfig(AppConfig):
    name = "doudi.institutions"

    def ready(self) -> None:
        import_module("doudi.institutions.coordination")
        import_module("doudi.institutions.procedures")
