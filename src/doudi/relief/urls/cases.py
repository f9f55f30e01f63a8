"""Pages of temporary assistance."""

from django.urls import path

from doudi.relief.views import acts, cases, papers

urlpatterns = [
    path("relief/", cases.Cases.as_view(), name="cases"),
    path("relief/new/", cases.new, name="new"),
    path("relief/first/", cases.first, name="first"),
    path("relief/<int:pk>/", cases.case, name="case"),
    path("relief/<int:pk>/grant/", acts.grant, name="grant"),
    path("relief/<int:pk>/propose/", acts.propose, name="propose"),
    path("relief/<int:pk>/to-meeting/", acts.to_meeting, name="to_meeting"),
    path("relief/<int:pk>/meeting/", acts.meeting, name="meeting"),
    path("relief/<int:pk>/approve/", acts.approve, name="approve"),
    path("relief/<int:pk>/send-back/", acts.send_back, name="send_back"),
    path("relief/<int:pk>/refuse/", acts.refuse, name="refuse"),
    path("relief/<int:pk>/withdraw/", acts.withdraw, name="withdraw"),
    path("relief/<int:pk>/revoke/", acts.revoke, name="revoke"),
    path("relief/<int:pk>/explain/", acts.explain, name="explain"),
    path("relief/<int:pk>/pay/<int:help_id>/", acts.pay, name="pay"),
    path("relief/notices/", papers.notices, name="notices"),
    path("relief/meetings/<uuid:key>/", papers.sitting, name="sitting"),
    path("relief/<int:pk>/notice/", papers.notice, name="notice"),
    path("relief/<int:pk>/account/", acts.take_account, name="account"),
    path("relief/<int:pk>/look-up/", acts.look_up, name="look_up"),
]
