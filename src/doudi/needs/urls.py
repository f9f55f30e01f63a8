"""Pages of needs."""

from django.urls import path

from doudi.needs.views import need, queue

app_name = "needs"
urlpatterns = [
    path("needs/", queue.Needs.as_view(), name="list"),
    path("needs/mine/", queue.mine, name="mine"),
    path("needs/new/", queue.new, name="new"),
    path("needs/<int:need_id>/", need.need, name="need"),
    path("needs/<int:need_id>/act/", need.act, name="act"),
    path("needs/<int:need_id>/contact/", need.contact, name="contact"),
    path("needs/answers/<int:answer_id>/", need.answer, name="answer"),
    path("needs/answers/<int:answer_id>/delivery/", need.delivery, name="delivery"),
]
