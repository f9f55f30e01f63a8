"""Pages of the discovery team."""

from django.urls import path

from doudi.discovery.views import team

urlpatterns = [
    path("team/", team.Team.as_view(), name="team"),
    path("team/new/", team.new, name="team_new"),
    path("team/import/", team.upload, name="team_import"),
    path("team/import/template/", team.template, name="team_template"),
    path("team/report/", team.report, name="team_report"),
    path("team/reports/", team.reports, name="team_reports"),
    path("team/<int:member_id>/", team.member, name="team_member"),
    path("team/<int:member_id>/end/", team.end, name="team_end"),
    path("team/<int:member_id>/messages/", team.wants_messages, name="team_messages"),
    path("team/<int:member_id>/train/", team.train, name="team_train"),
    path("team/<int:member_id>/reveal/", team.reveal, name="team_reveal"),
]
