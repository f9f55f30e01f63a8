"""Pages of the frame and of core's own matters."""

from django.urls import path

from doudi.core.views import audit, emergencies, files, frame, messages, places, settings, staff, work

urlpatterns = [
    path("", frame.dashboard, name="dashboard"),
    path("posting/", frame.switch_posting, name="switch_posting"),
    path("look/", frame.look, name="look"),
    path("components/", frame.components, name="components"),
    path("places/", places.find, name="places"),
    path("todos/", work.Todos.as_view(), name="todos"),
    path("tasks/", work.Tasks.as_view(), name="tasks"),
    path("tasks/<uuid:identifier>/", work.task, name="task"),
    path("tasks/<uuid:identifier>/widget/", work.task_widget, name="task_widget"),
    path("tasks/<uuid:identifier>/cancel/", work.task_cancel, name="task_cancel"),
    path("daily/", work.DailyRuns.as_view(), name="daily"),
    path("audit/", audit.AccessRecords.as_view(), name="audit"),
    path("settings/", settings.index, name="settings"),
    path("settings/propose/<str:name>/", settings.propose, name="setting_propose"),
    path("settings/<int:setting_id>/decide/", settings.decide, name="setting_decide"),
    path("messages/", messages.Inbox.as_view(), name="inbox"),
    path("messages/read/", messages.read_all, name="messages_read"),
    path("messages/sent/", messages.Sent.as_view(), name="messages_sent"),
    path("messages/sent/retry/", messages.retry, name="messages_retry"),
    path("messages/<int:message_id>/", messages.open_message, name="message_open"),
    path("emergencies/", emergencies.Emergencies.as_view(), name="emergencies"),
    path("emergencies/new/", emergencies.new, name="emergency_new"),
    path("emergencies/<int:emergency_id>/", emergencies.show, name="emergency"),
    path("emergencies/<int:emergency_id>/<slug:what>/", emergencies.change, name="emergency_change"),
    path("emergencies/steps/<int:step_id>/decide/", emergencies.decide, name="emergency_decide"),
    path("staff/", staff.Accounts.as_view(), name="accounts"),
    path("staff/new/", staff.new, name="account_new"),
    path("staff/<int:account_id>/", staff.show, name="account"),
    path("staff/<int:account_id>/postings/", staff.add, name="posting_add"),
    path("staff/<int:account_id>/change/", staff.change, name="account_change"),
    path("staff/postings/<int:posting_id>/end/", staff.end, name="posting_end"),
    path("attachments/<str:subject>/<int:subject_id>/", files.add, name="attach"),
    path("attachment/<uuid:identifier>/", files.show, name="attachment"),
    path("attachment/<uuid:identifier>/remove/", files.take_out, name="attachment_remove"),
]
