"""Business actions of enrolment: applications and the steps of their cases, proposals of the township, decisions, what happens to awards."""

from doudi.enrolment.services.accepting import (
    accept,
    ask_supplements,
    deliver_notice,
    end_case,
    pause,
    refuse_acceptance,
    resume_case,
    take_supplements,
    withdraw_application,
)
from doudi.enrolment.services.applying import Fit, apply, fits, law_says
from doudi.enrolment.services.checking import check_again, conclude_check, fill_check
from doudi.enrolment.services.deciding import Outcome, approve, approve_many, resume, send_back, sign, suspend, withdraw
from doudi.enrolment.services.grounds import Ground
from doudi.enrolment.services.leaving import extend_while_suspended, notice_of_end, propose_gradual_exit
from doudi.enrolment.services.letters import certificate_paper, check_certificate, issue_certificate, issue_notice, make_letters, notice_of
from doudi.enrolment.services.monitoring import monitor, release_held
from doudi.enrolment.services.moved import remind_moved_awards
from doudi.enrolment.services.opinions import give_opinion, record_appraisal, record_county_visit, record_visit, review_federation
from doudi.enrolment.services.papers import add_document, end_authorisation, end_relative, record_authorisation, record_relative, remove_document
from doudi.enrolment.services.payees import decide_payee, lift_cooling, propose_payee, remind_ending_payees
from doudi.enrolment.services.periodic_reviews import raise_periodic
from doudi.enrolment.services.proposing import Proposed, change_award, propose, propose_from_run, propose_many, refuse, stop_award
from doudi.enrolment.services.publicising import close_publicity, object_by_complaint, publish, raise_objection, settle_objection, skip_publicity
from doudi.enrolment.services.reviewing import keep_review, propose_from_review
from doudi.enrolment.services.spot_checks import close_spot_check, draw_spot_check, record_finding, remind_spot_checks, reopen_confirmed
from doudi.enrolment.services.standard_raise import propose_standard_raise, raise_automatically
from doudi.enrolment.services.steps import StaleCase

__all__ = [
    "Fit",
    "Ground",
    "Outcome",
    "Proposed",
    "StaleCase",
    "accept",
    "add_document",
    "apply",
    "approve",
    "approve_many",
    "ask_supplements",
    "certificate_paper",
    "change_award",
    "check_again",
    "check_certificate",
    "close_publicity",
    "close_spot_check",
    "conclude_check",
    "decide_payee",
    "deliver_notice",
    "draw_spot_check",
    "end_authorisation",
    "end_case",
    "end_relative",
    "extend_while_suspended",
    "fill_check",
    "fits",
    "give_opinion",
    "issue_certificate",
    "issue_notice",
    "keep_review",
    "law_says",
    "lift_cooling",
    "make_letters",
    "monitor",
    "notice_of",
    "notice_of_end",
    "object_by_complaint",
    "pause",
    "propose",
    "propose_from_review",
    "propose_from_run",
    "propose_gradual_exit",
    "propose_many",
    "propose_payee",
    "propose_standard_raise",
    "publish",
    "raise_automatically",
    "raise_objection",
    "raise_periodic",
    "record_appraisal",
    "record_authorisation",
    "record_county_visit",
    "record_finding",
    "record_relative",
    "record_visit",
    "refuse",
    "refuse_acceptance",
    "release_held",
    "remind_ending_payees",
    "remind_moved_awards",
    "remind_spot_checks",
    "remove_document",
    "reopen_confirmed",
    "resume",
    "resume_case",
    "review_federation",
    "send_back",
    "settle_objection",
    "sign",
    "skip_publicity",
    "stop_award",
    "suspend",
    "take_supplements",
    "withdraw",
    "withdraw_application",
]
