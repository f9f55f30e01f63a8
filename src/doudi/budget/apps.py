from importlib import import_module

from django.apps import AppConfig


class BudgetConfig(AppConfig):
    name = "doudi.budget"

    def ready(self) -> None:
        import_module("doudi.budget.procedures")
