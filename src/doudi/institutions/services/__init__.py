"""Business actions of institutions; errors are ValidationErrors in Chinese by field."""

from doudi.institutions.services.dues import new_day, open_dues, remind, watch
from doudi.institutions.services.places import (
    appoint_clerk,
    change_institution,
    end_contact,
    register_institution,
    release_clerk,
    set_account,
    set_contact,
    set_room,
)
from doudi.institutions.services.reports import Doubtful, Left, deal_with_incident, prefilled, report_day
from doudi.institutions.services.residents import Newcomer, admit, admit_many, change_resident, end_isolation, isolate, leave, leave_many
from doudi.institutions.services.risk import refresh_risk
from doudi.institutions.services.staff import add_staff, end_staff
from doudi.institutions.services.stock import list_item, move_stock, set_daily_use
from doudi.institutions.services.visits import set_visits

__all__ = [
    "Doubtful",
    "Left",
    "Newcomer",
    "add_staff",
    "admit",
    "admit_many",
    "appoint_clerk",
    "change_institution",
    "change_resident",
    "deal_with_incident",
    "end_contact",
    "end_isolation",
    "end_staff",
    "isolate",
    "leave",
    "leave_many",
    "list_item",
    "move_stock",
    "new_day",
    "open_dues",
    "prefilled",
    "refresh_risk",
    "register_institution",
    "release_clerk",
    "remind",
    "report_day",
    "set_account",
    "set_contact",
    "set_daily_use",
    "set_room",
    "set_visits",
    "watch",
]
