"""Business actions of relief, one module per matter."""

from doudi.relief.services.accounts import take_account
from doudi.relief.services.base import Stale
from doudi.relief.services.cases import Help, Someone, add_helps, open_case, to_meeting, withdraw
from doudi.relief.services.deciding import (
    approve_by_county,
    approve_meeting,
    grant_by_township,
    propose_to_county,
    refuse,
    revoke,
    send_back,
)
from doudi.relief.services.explaining import explain, remind
from doudi.relief.services.first import help_first
from doudi.relief.services.looking import look_up_relief
from doudi.relief.services.meetings import Participant, record_meeting
from doudi.relief.services.papers import issue_notices

__all__ = [
    "Help",
    "Participant",
    "Someone",
    "Stale",
    "add_helps",
    "approve_by_county",
    "approve_meeting",
    "explain",
    "grant_by_township",
    "help_first",
    "issue_notices",
    "look_up_relief",
    "open_case",
    "propose_to_county",
    "record_meeting",
    "refuse",
    "remind",
    "revoke",
    "send_back",
    "take_account",
    "to_meeting",
    "withdraw",
]
