"""Tables of civil-affairs institutions (measure 6)."""

from doudi.institutions.models.group import GroupAction, GroupEvent, GroupMeeting, GroupMember, GroupShift, TaskGroup
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
from doudi.institutions.models.requests import Request, RequestDelivery, RequestEvent, RequestOffer
from doudi.institutions.models.residents import IsolationStay, Resident, StaffMember
from doudi.institutions.models.stock import StockMovement, SupplyItem, SupplyStock
from doudi.institutions.models.transfers import Transfer, TransferEvent, TransferPerson, TransferVehicle

__all__ = [
    "BedCapacity",
    "DailyReport",
    "GroupAction",
    "GroupEvent",
    "GroupMeeting",
    "GroupMember",
    "GroupShift",
    "Institution",
    "InstitutionClerk",
    "InstitutionContact",
    "InstitutionEvent",
    "IsolationRoom",
    "IsolationStay",
    "ReportDue",
    "ReportSupply",
    "Request",
    "RequestDelivery",
    "RequestEvent",
    "RequestOffer",
    "Resident",
    "StaffMember",
    "StockMovement",
    "SupplyItem",
    "SupplyStock",
    "TaskGroup",
    "Transfer",
    "TransferEvent",
    "TransferPerson",
    "TransferVehicle",
    "VisitState",
]
