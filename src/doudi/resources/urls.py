"""Pages of purchased services, the register of resources, donations."""

from django.urls import path

from doudi.resources.views import contracts, donations, public, register, services, settling

app_name = "resources"
urlpatterns = [
    path("purchases/", contracts.Contracts.as_view(), name="contracts"),
    path("purchases/new/", contracts.new, name="contract_new"),
    path("purchases/<int:contract_id>/", contracts.contract, name="contract"),
    path("purchases/<int:contract_id>/record/", services.record, name="record"),
    path("purchases/<int:contract_id>/import/", services.sheet, name="sheet"),
    path("purchases/<int:contract_id>/template/", services.template, name="template"),
    path("purchases/services/", services.Services.as_view(), name="services"),
    path("purchases/services/<int:service_id>/", services.service, name="service"),
    path("purchases/acceptances/<int:acceptance_id>/", settling.acceptance, name="acceptance"),
    path("resources/", register.register, name="register"),
    path("resources/new/", register.new, name="resource_new"),
    path("resources/<int:resource_id>/", register.resource, name="resource"),
    path("resources/<int:resource_id>/phone/", register.phone, name="resource_phone"),
    path("donations/manage/", donations.Donations.as_view(), name="donations"),
    path("donations/manage/new/<str:kind>/", donations.new, name="donation_new"),
    path("donations/<int:donation_id>/manage/", donations.donation, name="donation"),
    path("donations/allocations/", donations.Allocations.as_view(), name="allocations"),
    path("donations/allocations/<int:allocation_id>/", donations.allocation, name="allocation"),
    path("donations/", public.donations, name="public_donations"),
    path("service/", public.enter, name="public_enter"),
    path("service/<str:code>/", public.service, name="public_service"),
]
