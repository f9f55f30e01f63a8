from importlib import import_module

from django.apps import AppConfig


class ReliefConfig(AppConfig):
    name = "doudi.relief"

    def ready(self) -> None:
        from doudi.core import attachable
        from doudi.relief.models import PriceEntry

        import_module("doudi.relief.procedures")
        import_module("doudi.relief.rules")
        attachable.add("price_entry", model=PriceEntry, view="prices.view", change="prices.enter")
