"""Business actions of enrolment: proposals of the township, decisions of the county, what happens to awards."""

from doudi.enrolment.services.deciding import Outcome, approve, approve_many, resume, send_back, suspend, withdraw
from doudi.enrolment.services.letters import certificate_paper, check_certificate, issue_certificate, make_letters
from doudi.enrolment.services.proposing import Proposed, change_award, propose, propose_from_run, propose_many, refuse, stop_award

__all__ = [
    "Outcome",
    "Proposed",
    "approve",
    "approve_many",
    "certificate_paper",
    "change_award",
    "check_certificate",
    "issue_certificate",
    "make_letters",
    "propose",
    "propose_from_run",
    "propose_many",
    "refuse",
    "resume",
    "send_back",
    "stop_award",
    "suspend",
    "withdraw",
]
