"""Business actions of institutions; errors are ValidationErrors in Chinese by field."""

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
from doudi.institutions.services.residents import Newcomer, admit, admit_many, change_resident, end_isolation, isolate, leave, leave_many
from doudi.institutions.services.staff import add_staff, end_staff
from doudi.institutions.services.stock import list_item, move_stock, set_daily_use

__all__ = [
    "Newcomer",
    "add_staff",
    "admit",
    "admit_many",
    "appoint_clerk",
    "change_institution",
    "change_resident",
    "end_contact",
    "end_isolation",
    "end_staff",
    "isolate",
    "leave",
    "leave_many",
    "list_item",
    "move_stock",
    "register_institution",
    "release_clerk",
    "set_account",
    "set_contact",
    "set_daily_use",
    "set_room",
]
