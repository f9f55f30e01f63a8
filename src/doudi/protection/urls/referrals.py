"""Referrals and transfers."""

from django.urls import path

from doudi.protection.views import referrals

urlpatterns = [
    path("protection/referrals/", referrals.Referrals.as_view(), name="referrals"),
    path("protection/referrals/<int:pk>/", referrals.referral, name="referral"),
    path("protection/referrals/<int:pk>/act/", referrals.act, name="referral_act"),
    path("protection/cases/<int:case_id>/refer/", referrals.offer, name="offer"),
]
