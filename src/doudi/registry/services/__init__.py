"""Business actions of the registry; errors are ValidationErrors in Chinese by field."""

from doudi.registry.services.base import Duplicate, ManagedElsewhere, Stale
from doudi.registry.services.facts import NewFact, record_fact, record_facts
from doudi.registry.services.households import add_member, change_head, change_household, end_membership, register_household
from doudi.registry.services.moves import (
    Elsewhere,
    ask_move,
    carry_out_move,
    escalate_moves,
    look_up_elsewhere,
    read_refusal,
    refuse_move,
    release_move,
)
from doudi.registry.services.people import change_account, correct_person, record_death, register_person

__all__ = [
    "Duplicate",
    "Elsewhere",
    "ManagedElsewhere",
    "NewFact",
    "Stale",
    "add_member",
    "ask_move",
    "carry_out_move",
    "change_account",
    "change_head",
    "change_household",
    "correct_person",
    "end_membership",
    "escalate_moves",
    "look_up_elsewhere",
    "read_refusal",
    "record_death",
    "record_fact",
    "record_facts",
    "refuse_move",
    "register_household",
    "register_person",
    "release_move",
]
