from importlib import import_module

from django.apps import AppConfig


class VolunteeringConfig(AppConfig):
    name = "doudi.volunteering"

    def ready(self) -> None:
        from doudi.core import attachable
        from doudi.volunteering.models import Credential, Volunteer

        for module in ("procedures", "texts", "clauses", "board_procedures", "board_messages", "board_jobs"):
            import_module(f"doudi.volunteering.{module}")
        attachable.add("credential", model=Credential, view="volunteering.view", change="volunteering.organisations")
        # the guardian's consent on paper, and what proves a document
        attachable.add("volunteer", model=Volunteer, view="volunteering.people", change="volunteering.volunteers")
