from importlib import import_module

from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "doudi.community"

    def ready(self) -> None:
        import_module("doudi.community.procedures")
