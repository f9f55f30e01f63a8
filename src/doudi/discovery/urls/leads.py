"""Pages of leads."""

from django.urls import path

from doudi.discovery.views import lead_work, leads, timing

urlpatterns = [
    path("leads/", leads.Leads.as_view(), name="leads"),
    path("leads/mine/", leads.mine, name="leads_mine"),
    path("leads/steps/", leads.steps, name="lead_steps"),
    path("leads/assign/", leads.assign_many, name="leads_assign"),
    path("leads/timing/", timing.timing, name="timing"),
    path("leads/timing/list/", timing.TimingLeads.as_view(), name="timing_leads"),
    path("leads/report/<int:household_id>/", leads.report, name="lead_report"),
    path("leads/referrals/", lead_work.Referrals.as_view(), name="referrals"),
    path("leads/referrals/<int:referral_id>/", lead_work.referral, name="referral"),
    path("leads/referrals/<int:referral_id>/back/", lead_work.send_back, name="referral_back"),
    path("leads/<int:lead_id>/", leads.lead, name="lead"),
    path("leads/<int:lead_id>/step/", leads.step, name="lead_step"),
    path("leads/<int:lead_id>/assign/", lead_work.assign, name="lead_assign"),
    path("leads/<int:lead_id>/refer/", lead_work.refer, name="lead_refer"),
    path("leads/<int:lead_id>/identify/", lead_work.identify, name="lead_identify"),
    path("leads/<int:lead_id>/reveal/<slug:field>/", lead_work.reveal, name="lead_reveal"),
]
