"""URLs of coordination: the task group, requests, transfers, the overview."""

from django.urls import path

from doudi.institutions.views import group, overview, requests, transfers

urlpatterns = [
    path("institutions/requests/", requests.Requests.as_view(), name="requests"),
    path("institutions/requests/new/", requests.new, name="request_new"),
    path("institutions/requests/proposals/", requests.proposals, name="request_proposals"),
    path("institutions/requests/<int:request_id>/", requests.page, name="request"),
    path("institutions/requests/<int:request_id>/act/", requests.act, name="request_act"),
    path("institutions/overview/", overview.overview, name="overview"),
    path("institutions/transfers/", transfers.Transfers.as_view(), name="transfers"),
    path("institutions/<int:pk>/transfer/", transfers.new, name="transfer_new"),
    path("institutions/transfers/<int:transfer_id>/", transfers.page, name="transfer"),
    path("institutions/transfers/<int:transfer_id>/act/", transfers.act, name="transfer_act"),
    path("institutions/transfers/<int:transfer_id>/people/<int:person_id>/kin/", transfers.kin, name="transfer_kin"),
    path("institutions/group/", group.Groups.as_view(), name="groups"),
    path("institutions/group/new/", group.new, name="group_new"),
    path("institutions/group/<int:group_id>/", group.page, name="group"),
    path("institutions/group/<int:group_id>/change/", group.change, name="group_change"),
    path("institutions/group/<int:group_id>/end/", group.end, name="group_end"),
    path("institutions/group/<int:group_id>/members/new/", group.member_new, name="group_member_new"),
    path("institutions/group/<int:group_id>/members/<int:member_id>/end/", group.member_end, name="group_member_end"),
    path("institutions/group/<int:group_id>/members/<int:member_id>/phone/", group.phone, name="group_phone"),
    path("institutions/group/<int:group_id>/roster/", group.roster, name="group_roster"),
    path("institutions/group/<int:group_id>/meetings/new/", group.meeting_new, name="group_meeting_new"),
    path("institutions/group/<int:group_id>/meetings/<int:meeting_id>/", group.meeting, name="group_meeting"),
    path("institutions/group/<int:group_id>/actions/new/", group.action_new, name="group_action_new"),
    path("institutions/group/<int:group_id>/actions/<int:action_id>/end/", group.action_end, name="group_action_end"),
]
