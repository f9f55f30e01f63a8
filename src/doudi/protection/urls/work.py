"""The work on a case."""

from django.urls import path

from doudi.protection.views import work

urlpatterns = [
    path("protection/cases/<int:case_id>/assess/", work.assess, name="assess"),
    path("protection/cases/<int:case_id>/contact/", work.contact, name="contact"),
    path("protection/cases/<int:case_id>/do/<slug:what>/", work.step, name="step"),
    path("protection/cases/<int:case_id>/do/<slug:what>/<int:item_id>/", work.step, name="step_of"),
]
