"""URLs of community care; one file per part."""

from doudi.community.urls import cards, contacts, counselling, people, plans

app_name = "community"
urlpatterns = [*people.urlpatterns, *contacts.urlpatterns, *cards.urlpatterns, *plans.urlpatterns, *counselling.urlpatterns]
