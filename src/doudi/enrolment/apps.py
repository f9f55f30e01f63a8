from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    name = "doudi.enrolment"

    def ready(self) -> None:
        from doudi.enrolment import procedure

        procedure.declare_parameters()
