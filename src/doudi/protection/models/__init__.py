"""Tables of the protection of minors."""

from doudi.protection.models.cases import CaseAssignment, CaseEvent, CaseSection, ProtectionCase
from doudi.protection.models.contacts import CaseContact, CaseResource, CaseReview, Counselling
from doudi.protection.models.reports import Report
from doudi.protection.models.work import CaseAssessment, CaseGap, PlanGoal, PlanService, SectionVersion

__all__ = [
    "CaseAssessment", "CaseAssignment", "CaseContact", "CaseEvent", "CaseGap", "CaseResource", "CaseReview", "CaseSection", "Counselling",
    "PlanGoal", "PlanService", "ProtectionCase", "Report", "SectionVersion",
]  # fmt: skip
