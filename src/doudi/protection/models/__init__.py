"""Tables of the protection of minors."""

from doudi.protection.models.cases import CaseAssignment, CaseEvent, CaseSection, ProtectionCase

__all__ = ["CaseAssignment", "CaseEvent", "CaseSection", "ProtectionCase"]
