from importlib import import_module

from django.apps import AppConfig


class ComplaintsConfig(AppConfig):
    name = "doudi.complaints"

    def ready(self) -> None:
        from doudi.complaints.models import Complaint
        from doudi.core import attachable

        import_module("doudi.complaints.procedures")
        attachable.add("complaint", model=Complaint, view="complaints.view", change="complaints.open")
