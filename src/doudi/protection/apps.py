from importlib import import_module

from django.apps import AppConfig


class ProtectionConfig(AppConfig):
    name = "doudi.protection"

    def ready(self) -> None:
        from doudi.core import attachable
        from doudi.protection.models import ProtectionCase

        import_module("doudi.protection.procedures")
        attachable.add("protection_case", model=ProtectionCase, view="protection.view", change="protection.handle")
