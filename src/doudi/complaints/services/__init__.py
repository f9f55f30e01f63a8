"""Business actions of objections and complaints."""

from doudi.complaints.services.handling import approve_close, assign, begin, end_holds, hold, propose_close, reopen, resume, send_back
from doudi.complaints.services.mass import approve_mass_close, escalate, propose_mass_close, send_back_mass_close
from doudi.complaints.services.opening import Identity, Links, Revealed, may_reveal, open_complaint, reveal_complainant

__all__ = [
    "Identity", "Links", "Revealed", "approve_close", "approve_mass_close", "assign", "begin", "end_holds", "escalate", "hold", "may_reveal",
    "open_complaint", "propose_close", "propose_mass_close", "reopen", "resume", "reveal_complainant", "send_back", "send_back_mass_close",
]  # fmt: skip
