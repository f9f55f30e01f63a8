"""Business actions of needs. Other rooms raise needs with `raise_need` and answer them with `offer`, `assign`, `accept`."""

from doudi.needs.services.answering import (
    accept,
    assign,
    confirm,
    contact_of,
    decline,
    may_see_contact,
    not_done,
    offer,
    report_done,
    reveal_contact,
    withdraw,
)
from doudi.needs.services.clocks import expire, run_clocks
from doudi.needs.services.deliveries import Medicine, add_picture, bought, hand_over, medicines_of, prepare
from doudi.needs.services.raising import cancel_need, raise_need, raise_once, renew_need
from doudi.needs.sources import About

__all__ = [
    "About", "Medicine", "accept", "add_picture", "assign", "bought", "cancel_need", "confirm", "contact_of", "decline", "expire", "hand_over", "may_see_contact",
    "medicines_of", "not_done", "offer", "prepare", "raise_need", "raise_once", "renew_need", "report_done", "reveal_contact", "run_clocks", "withdraw",
]  # fmt: skip
