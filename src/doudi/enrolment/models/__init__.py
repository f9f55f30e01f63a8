"""Enrolment: applications and their cases, decisions (proposed by the township, approved by the county), and the awards that they make."""

from doudi.enrolment.models.applications import Application, Case, CaseEvent, CaseStep
from doudi.enrolment.models.awards import Award, AwardAmount, AwardEvent, AwardMember, Entitlement
from doudi.enrolment.models.banks import BankRule
from doudi.enrolment.models.decisions import Decision
from doudi.enrolment.models.letters import Certificate, Letter
from doudi.enrolment.models.papers import Authorisation, DataCheck, Document, HouseholdVisit, Objection, Publicity, Relative
from doudi.enrolment.models.payees import PayeeChange
from doudi.enrolment.models.reviews import MonitoringRun, Review
from doudi.enrolment.models.spot_checks import SpotCheck, SpotCheckItem, SpotCheckStratum

__all__ = [
    "Application", "Authorisation", "Award", "AwardAmount", "AwardEvent", "AwardMember", "BankRule", "Case", "CaseEvent", "CaseStep", "Certificate", "DataCheck", "Decision",
    "Document", "Entitlement", "HouseholdVisit", "Letter", "MonitoringRun", "Objection", "PayeeChange", "Publicity", "Relative", "Review", "SpotCheck",
    "SpotCheckItem", "SpotCheckStratum",
]  # fmt: skip
