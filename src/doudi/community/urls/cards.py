"""Pages of help cards, the directory that they print, and the public page behind a card's code."""

from django.urls import path

from doudi.community.views import cards, directory, public

urlpatterns = [
    path("community/cards/", cards.cards, name="cards"),
    path("community/cards/<int:pk>/", cards.card, name="card"),
    path("community/cards/<int:pk>/pdf/", cards.card_pdf, name="card_pdf"),
    path("community/cards/<int:pk>/void/", cards.void, name="card_void"),
    path("community/<int:care_id>/card/", cards.issue, name="card_issue"),
    path("community/services/", directory.services, name="services"),
    path("community/services/<int:pk>/end/", directory.end, name="service_end"),
    path("card/<str:code>/", public.card, name="public_card"),
    path("card/<str:code>/asked/", public.asked, name="public_asked"),
]
