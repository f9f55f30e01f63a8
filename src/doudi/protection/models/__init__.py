"""Tables of the protection of minors."""

from doudi.protection.models.care import Care, CareClaim, CareReview, HandOver
from doudi.protection.models.cases import CaseAssignment, CaseEvent, CaseSection, ProtectionCase
from doudi.protection.models.contacts import CaseContact, CaseResource, CaseReview, Counselling
from doudi.protection.models.referrals import Referral, ReferralContent, ReferralStep
from doudi.protection.models.reports import Report
from doudi.protection.models.work import CaseAssessment, CaseGap, PlanGoal, PlanService, SectionVersion

__all__ = [
    "Care", "CareClaim", "CareReview", "CaseAssessment", "CaseAssignment", "CaseContact", "CaseEvent", "CaseGap", "CaseResource", "CaseReview", "CaseSection",
    "Counselling", "HandOver", "PlanGoal", "PlanService", "ProtectionCase", "Referral", "ReferralContent", "ReferralStep", "Report", "SectionVersion",
]  # fmt: skip
