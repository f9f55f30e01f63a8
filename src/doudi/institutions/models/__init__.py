"""Tables of civil-affairs institutions (measure 6)."""

from doudi.institutions.models.places import (
    BedCapacity,
    Institution,
    InstitutionClerk,
    InstitutionContact,
    InstitutionEvent,
    IsolationRoom,
    VisitState,
)
from doudi.institutions.models.reports import DailyReport, ReportDue, ReportSupply
from doudi.institutions.models.residents import IsolationStay, Resident, StaffMember
from doudi.institutions.models.stock import StockMovement, SupplyItem, SupplyStock

__all__ = [
    "BedCapacity",
    "DailyReport",
    "Institution",
    "InstitutionClerk",
    "InstitutionContact",
    "InstitutionEvent",
    "IsolationRoom",
    "IsolationStay",
    "ReportDue",
    "ReportSupply",
    "Resident",
    "StaffMember",
    "StockMovement",
    "SupplyItem",
    "SupplyStock",
    "VisitState",
]
