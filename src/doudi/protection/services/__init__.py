"""Business actions of the protection of minors."""

from doudi.protection.services.assigning import able, add_helper, hand_on, place, release_helper, take
from doudi.protection.services.care import begin_living_care, decide_guardianship, propose_guardianship, withdraw_guardianship
from doudi.protection.services.care_base import Arranged, Handed
from doudi.protection.services.care_clocks import escalate_gaps, watch_care, watch_referrals
from doudi.protection.services.caring import change_carer, claim_allowance, end_care, extend_care, hand_over, review_care
from doudi.protection.services.closing import CloseReason, close_case, reopen_case
from doudi.protection.services.filing import Filed, Merge, open_file, save_section
from doudi.protection.services.gaps import begin_gap, end_gap
from doudi.protection.services.intake import Minor, open_case
from doudi.protection.services.referring import Offer, accept, decline, finish, offer, open_referral, report_progress, revoke

__all__ = [
    "Arranged", "CloseReason", "Filed", "Handed", "Merge", "Minor", "Offer", "able", "accept", "add_helper", "begin_gap", "begin_living_care", "change_carer",
    "claim_allowance", "close_case", "decide_guardianship", "decline", "end_care", "end_gap", "escalate_gaps", "extend_care", "finish", "hand_on", "hand_over",
    "offer", "open_case", "open_file", "open_referral", "place", "propose_guardianship", "release_helper", "reopen_case", "report_progress", "review_care",
    "revoke", "save_section", "take", "watch_care", "watch_referrals", "withdraw_guardianship",
]  # fmt: skip
