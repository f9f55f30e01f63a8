"""Pages of vagrants' aid and of what tekun recipients get beside their award."""

from django.urls import path

from doudi.relief.views import tekun, vagrants

urlpatterns = [
    path("vagrants/", vagrants.Vagrants.as_view(), name="vagrants"),
    path("vagrants/new/", vagrants.vagrant_new, name="vagrant_new"),
    path("vagrants/<int:pk>/", vagrants.vagrant, name="vagrant"),
    path("vagrants/<int:pk>/search/", vagrants.vagrant_search, name="vagrant_search"),
    path("vagrants/<int:pk>/leave/", vagrants.vagrant_leave, name="vagrant_leave"),
    path("vagrants/<int:pk>/extend/", vagrants.vagrant_extend, name="vagrant_extend"),
    path("tekun/care/", tekun.Agreements.as_view(), name="agreements"),
    path("tekun/care/<int:person_id>/", tekun.care, name="care"),
    path("tekun/care/<int:pk>/end/", tekun.care_end, name="care_end"),
    path("tekun/funerals/", tekun.Funerals.as_view(), name="funerals"),
    path("tekun/funerals/<int:pk>/", tekun.funeral, name="funeral"),
    path("tekun/funerals/<int:pk>/decide/", tekun.funeral_decide, name="funeral_decide"),
    path("tekun/funerals/new/<int:person_id>/", tekun.funeral_new, name="funeral_new"),
]
