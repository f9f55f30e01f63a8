"""Pages of the hotline."""

from django.urls import path

from doudi.discovery.views import hotline

urlpatterns = [
    path("hotline/", hotline.intake, name="hotline"),
    path("hotline/known/", hotline.lookup, name="hotline_known"),
    path("hotline/queue/", hotline.queue, name="hotline_queue"),
    path("hotline/answers/", hotline.know, name="hotline_answers"),
    path("hotline/take/<int:call_id>/", hotline.take, name="call_take"),
    path("hotline/calls/", hotline.Calls.as_view(), name="calls"),
    path("hotline/calls/<int:call_id>/", hotline.call, name="call"),
    path("hotline/calls/<int:call_id>/phone/", hotline.reveal_phone, name="call_phone"),
    path("hotline/calls/<int:call_id>/detail/", hotline.reveal_detail, name="call_detail"),
    path("hotline/calls/<int:call_id>/satisfaction/", hotline.satisfaction, name="call_satisfaction"),
    path("hotline/callbacks/", hotline.callbacks, name="callbacks"),
    path("hotline/callbacks/<int:callback_id>/", hotline.call_back, name="call_back"),
    path("hotline/quality/", hotline.quality, name="hotline_quality"),
    path("hotline/desks/", hotline.desks, name="desks"),
]
