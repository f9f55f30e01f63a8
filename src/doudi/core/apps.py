from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CoreConfig(AppConfig):
    name = "doudi.core"

    def ready(self) -> None:
        from doudi.core import grants, routing

        pre_migrate.connect(routing.begin, dispatch_uid="doudi.routing.begin")
        post_migrate.connect(routing.end, dispatch_uid="doudi.routing.end")
        post_migrate.connect(grants.after_migrate, dispatch_uid="doudi.grants")
