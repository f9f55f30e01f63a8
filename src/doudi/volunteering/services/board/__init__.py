"""The needs board: publishing, matching, offers, what the volunteer does, feedback, calls."""

from doudi.volunteering.services.board.attendance import attendance_of, keep_attendance
from doudi.volunteering.services.board.calls import call_volunteers, end_calls, reply_to_call, stop_call
from doudi.volunteering.services.board.closing import confirm_done
from doudi.volunteering.services.board.matching import Match, suggestions
from doudi.volunteering.services.board.offering import answer_for, no_show, offer_next, offer_to, run_offers
from doudi.volunteering.services.board.own import accept_offer, check_in, check_out, decline_offer, open_contact, say, take, withdraw_offer
from doudi.volunteering.services.board.publishing import publish, publish_by_rule, take_off

__all__ = [
    "Match", "accept_offer", "answer_for", "attendance_of", "call_volunteers", "check_in", "check_out", "confirm_done", "decline_offer", "end_calls", "keep_attendance",
    "no_show", "offer_next", "offer_to", "open_contact", "publish", "publish_by_rule", "reply_to_call", "run_offers", "say", "stop_call", "suggestions", "take", "take_off",
    "withdraw_offer",
]  # fmt: skip
