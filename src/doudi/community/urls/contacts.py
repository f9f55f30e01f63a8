"""Pages of care contacts."""

from django.urls import path

from doudi.community.views import contacts

urlpatterns = [
    path("community/contacts/", contacts.Contacts.as_view(), name="contacts"),
    path("community/contacts/new/", contacts.new, name="contact_new"),
    path("community/contacts/<int:pk>/", contacts.contact, name="contact"),
    path("community/contacts/<int:pk>/change/", contacts.change, name="contact_change"),
    path("community/contacts/<int:pk>/absence/", contacts.absence, name="absence"),
    path("community/contacts/<int:pk>/absence/<int:absence_id>/back/", contacts.back, name="absence_end"),
    path("community/contacts/<int:pk>/stop/", contacts.stop, name="contact_stop"),
    path("community/contacts/<int:pk>/reveal/", contacts.reveal, name="contact_reveal"),
    path("community/assign/", contacts.assign, name="assign"),
    path("community/mine/", contacts.mine, name="mine"),
]
