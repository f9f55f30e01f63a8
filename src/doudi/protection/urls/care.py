"""Care, guardianship, hand-overs, gaps."""

from django.urls import path

from doudi.protection.views import care

urlpatterns = [
    path("protection/gaps/", care.Gaps.as_view(), name="gaps"),
    path("protection/care/", care.Cares.as_view(), name="cares"),
    path("protection/claims/", care.Claims.as_view(), name="claims"),
    path("protection/claims/<int:claim_id>/paid/", care.claim_paid, name="claim_paid"),
    path("protection/cases/<int:case_id>/care/living/", care.living_new, name="living_new"),
    path("protection/cases/<int:case_id>/care/guardianship/", care.guardianship_new, name="guardianship_new"),
    path("protection/care/<int:care_id>/hand-over/", care.hand_over, name="care_hand_over"),
    path("protection/care/<int:care_id>/carer/", care.carer, name="care_carer"),
    path("protection/care/<int:care_id>/review/", care.review, name="care_review"),
    path("protection/care/<int:care_id>/extend/", care.extend, name="care_extend"),
    path("protection/care/<int:care_id>/claim/", care.claim, name="care_claim"),
    path("protection/care/<int:care_id>/end/", care.end, name="care_end"),
    path("protection/care/<int:care_id>/decide/", care.decide, name="care_decide"),
    path("protection/care/<int:care_id>/withdraw/", care.withdraw, name="care_withdraw"),
]
