"""Enrolment: decisions (proposed by the township, approved by the county) and the awards that they make."""

from doudi.enrolment.models.awards import Award, AwardAmount, AwardEvent, AwardMember, Entitlement
from doudi.enrolment.models.decisions import Decision
from doudi.enrolment.models.letters import Certificate, Letter

__all__ = ["Award", "AwardAmount", "AwardEvent", "AwardMember", "Certificate", "Decision", "Entitlement", "Letter"]
