from importlib import import_module

from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "doudi.community"

    def ready(self) -> None:
        from doudi.community.models import PrintRun
        from doudi.core import attachable

        import_module("doudi.community.procedures")
        import_module("doudi.community.suggesting")
        # its files are made by the printing alone
        attachable.add("card_run", model=PrintRun, view="community.cards", change="community.ask")
