"""Addresses of institutions."""

from django.urls import path

from doudi.institutions.coordination_urls import urlpatterns as coordination
from doudi.institutions.views import houses, people, reports, staff, stock

app_name = "institutions"
HOUSE = "institutions/<int:pk>/"
urlpatterns = [
    path("institutions/", houses.Institutions.as_view(), name="institutions"),
    path("institutions/new/", houses.new, name="new"),
    path("institutions/mine/", reports.mine, name="mine"),
    path("institutions/reports/", reports.reports, name="reports"),
    path("institutions/reports/remind/", reports.remind, name="remind"),
    path("institutions/reports/upload/", reports.upload, name="upload"),
    path("institutions/reports/sheet/", reports.template, name="sheet"),
    path("institutions/visits/", houses.visits, name="visits"),
    path("institutions/supplies/", stock.items, name="items"),
    path(HOUSE, houses.institution, name="institution"),
    path(HOUSE + "change/", houses.change, name="change"),
    path(HOUSE + "account/", houses.account, name="account"),
    path(HOUSE + "visits/", houses.visits_of, name="visits_of"),
    path(HOUSE + "dealt/", houses.dealt, name="dealt"),
    path(HOUSE + "report/", reports.report, name="report"),
    path(HOUSE + "reports/<slug:on>/", reports.day, name="day"),
    path(HOUSE + "residents/", people.Residents.as_view(), name="residents"),
    path(HOUSE + "residents/new/", people.admit, name="admit"),
    path(HOUSE + "residents/<int:resident_id>/", people.resident, name="resident"),
    path(HOUSE + "residents/<int:resident_id>/change/", people.resident_change, name="resident_change"),
    path(HOUSE + "residents/<int:resident_id>/leave/", people.resident_leave, name="resident_leave"),
    path(HOUSE + "residents/<int:resident_id>/isolate/", people.resident_isolate, name="resident_isolate"),
    path(HOUSE + "residents/<int:resident_id>/kin/", people.reveal_kin, name="reveal_kin"),
    path(HOUSE + "isolation/<int:stay_id>/end/", people.isolation_end, name="isolation_end"),
    path(HOUSE + "staff/", staff.staff, name="staff"),
    path(HOUSE + "staff/add/", staff.staff_add, name="staff_add"),
    path(HOUSE + "staff/<int:staff_id>/end/", staff.staff_end, name="staff_end"),
    path(HOUSE + "contacts/set/", staff.contact_set, name="contact_set"),
    path(HOUSE + "contacts/<int:contact_id>/end/", staff.contact_end, name="contact_end"),
    path(HOUSE + "contacts/<int:contact_id>/reveal/", houses.reveal_contact, name="reveal_contact"),
    path(HOUSE + "rooms/set/", staff.room_set, name="room_set"),
    path(HOUSE + "clerks/set/", staff.clerk_set, name="clerk_set"),
    path(HOUSE + "clerks/<int:account_id>/end/", staff.clerk_end, name="clerk_end"),
    path(HOUSE + "stock/", stock.stock, name="stock"),
    path(HOUSE + "stock/move/", stock.move, name="move"),
    *coordination,
]
