"""Business actions of volunteering, one module per matter."""

from doudi.volunteering.services.activities import (
    NewShift,
    add_shift,
    cancel_activity,
    cancel_shift,
    finish_over,
    mark_no_show,
    open_activity,
    set_open,
    sign_up,
    withdraw,
)  # fmt: skip
from doudi.volunteering.services.certificates import issue, void_certificate
from doudi.volunteering.services.hours import check_in, check_out, close_open, correct, evaluate, record_shift, void_record
from doudi.volunteering.services.organisations import (
    add_credential,
    change_organisation,
    check_organisation,
    end_credential,
    register_organisation,
    remind_credentials,
    set_organisation_state,
)  # fmt: skip
from doudi.volunteering.services.proposals import decide_activity, propose_activity
from doudi.volunteering.services.volunteers import (
    Guardian,
    Profile,
    add_training,
    change_volunteer,
    give_consent,
    register_volunteer,
    set_volunteer_state,
    verify_volunteer,
    withdraw_consent,
)  # fmt: skip

__all__ = [
    "Guardian", "NewShift", "Profile", "add_credential", "add_shift", "add_training", "cancel_activity", "cancel_shift", "change_organisation",
    "change_volunteer", "check_in", "check_organisation", "check_out", "close_open", "correct", "decide_activity", "end_credential", "evaluate", "finish_over", "give_consent",
    "issue", "mark_no_show", "open_activity", "propose_activity", "record_shift", "register_organisation", "register_volunteer", "remind_credentials",
    "set_open", "set_organisation_state", "set_volunteer_state", "sign_up", "verify_volunteer", "void_certificate", "void_record", "withdraw", "withdraw_consent",
]  # fmt: skip
