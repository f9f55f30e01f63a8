"""Business actions of the protection of minors."""

from doudi.protection.services.assessing import explained, record_assessment
from doudi.protection.services.assigning import able, add_helper, hand_on, place, release_helper, take
from doudi.protection.services.care import begin_living_care, decide_guardianship, propose_guardianship, withdraw_guardianship
from doudi.protection.services.care_base import Arranged, Handed
from doudi.protection.services.care_clocks import escalate_gaps, watch_care, watch_referrals
from doudi.protection.services.caring import change_carer, claim_allowance, end_care, extend_care, hand_over, note_claim_paid, review_care
from doudi.protection.services.clocks import Ran, run_clocks
from doudi.protection.services.closing import CloseReason, close_case, reopen_case
from doudi.protection.services.filing import Filed, Merge, open_file, save_section
from doudi.protection.services.following import linkable, move_contact, owed_visit, record_contact
from doudi.protection.services.gaps import begin_gap, end_gap
from doudi.protection.services.intake import Minor, open_case
from doudi.protection.services.meetings import cancel_review, end_resource, hold_review, link_resource, plan_review, record_counselling
from doudi.protection.services.planning import add_goal, add_service, close_goal, service_progress, workers
from doudi.protection.services.referring import Offer, accept, decline, finish, offer, open_referral, report_progress, revoke
from doudi.protection.services.reporting import Told, receive_report, reveal_reporter, settle_report

__all__ = [
    "Arranged", "CloseReason", "Filed", "Handed", "Merge", "Minor", "Offer", "Ran", "Told", "able", "accept", "add_goal", "add_helper", "add_service",
    "begin_gap", "begin_living_care", "cancel_review", "change_carer", "claim_allowance", "close_case", "close_goal", "decide_guardianship",
    "decline", "end_care", "end_gap", "end_resource", "escalate_gaps", "explained", "extend_care", "finish", "hand_on", "hand_over", "hold_review",
    "link_resource", "linkable", "move_contact", "note_claim_paid", "offer", "open_case", "open_file", "open_referral", "owed_visit", "place", "plan_review",
    "propose_guardianship", "receive_report", "record_assessment", "record_contact", "record_counselling", "release_helper", "reopen_case",
    "report_progress", "reveal_reporter", "review_care", "revoke", "run_clocks", "save_section", "service_progress", "settle_report", "take",
    "watch_care", "watch_referrals", "withdraw_guardianship", "workers",
]  # fmt: skip
