from importlib import import_module

from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    name = "doudi.enrolment"

    def ready(self) -> None:
        from doudi.enrolment import procedure

        procedure.declare_parameters()
        import_module("doudi.enrolment.settings")
