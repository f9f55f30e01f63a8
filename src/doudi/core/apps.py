from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "doudi.core"

    def ready(self) -> None:
        from doudi.core import grants

        post_migrate.connect(grants.after_migrate, dispatch_uid="doudi.grants")
