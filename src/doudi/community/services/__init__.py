"""Business actions of community care."""

from doudi.community.services.cards import issue_card, issue_missing, refresh, void_card
from doudi.community.services.changing import change_contact
from doudi.community.services.contacts import (
    add_contact,
    assign_contact,
    assign_village,
    cancel_absence,
    contacts_of,
    end_contact,
    end_without_posting,
    set_absence,
    standing_in,
)
from doudi.community.services.deriving import Derived, derive, derive_changed
from doudi.community.services.directory import add_service, end_service
from doudi.community.services.members import add_by_hand, define_group, end_group, groups_at, lift, take_out
from doudi.community.services.printing import drop_files, order_cards, print_one, print_run
from doudi.community.services.telling import read_given, tell_gaps

__all__ = [
    "Derived", "add_by_hand", "add_contact", "add_service", "assign_contact", "assign_village", "cancel_absence", "change_contact", "contacts_of", "define_group",
    "derive", "derive_changed", "drop_files", "end_contact", "end_group", "end_service", "end_without_posting", "groups_at", "issue_card", "issue_missing", "lift",
    "order_cards", "print_one", "print_run", "read_given", "refresh", "set_absence", "standing_in", "take_out", "tell_gaps", "void_card",
]  # fmt: skip
