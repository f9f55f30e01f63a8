"""Business actions of discovery."""

from doudi.discovery.services.assigning import assign_lead, assign_leads
from doudi.discovery.services.comparison import compare
from doudi.discovery.services.deliveries import DeliveryError, deliver
from doudi.discovery.services.escalation import escalate
from doudi.discovery.services.expecting import raise_late, set_contact
from doudi.discovery.services.identifying import identify_lead
from doudi.discovery.services.leads import StaleLead, advance_lead, advance_leads, leads_helped, report_lead
from doudi.discovery.services.linkage_desk import decide_pair, undo_decision
from doudi.discovery.services.raising import Subject, raise_lead
from doudi.discovery.services.referring import refer_lead, return_referral, take_referral
from doudi.discovery.services.sweep_answers import add_found, answer_sweep, decide_conflict, settle_change
from doudi.discovery.services.sweep_lists import run_sweeps
from doudi.discovery.services.sweeps import OwnQuestion, assign_village, cancel_sweep, close_sweep, extend_sweep, open_sweep
from doudi.discovery.services.team import end_member, enrol_member, record_training, report_by_team
from doudi.discovery.services.team_import import import_roster
from doudi.discovery.services.trials import try_indicator
from doudi.discovery.services.visit_devices import DeviceClosed, DeviceElsewhere, close_devices, device_wiped, open_device, revoke_device, use_device
from doudi.discovery.services.visit_plans import make_due, set_plan
from doudi.discovery.services.visit_work import ask_visit, assign_visits, cancel_visit, resolve_conflict
from doudi.discovery.services.visits import add_photo, record_visit

__all__ = [
    "DeliveryError",
    "DeviceClosed",
    "DeviceElsewhere",
    "OwnQuestion",
    "StaleLead",
    "Subject",
    "add_found",
    "add_photo",
    "advance_lead",
    "advance_leads",
    "answer_sweep",
    "ask_visit",
    "assign_lead",
    "assign_leads",
    "assign_village",
    "assign_visits",
    "cancel_sweep",
    "cancel_visit",
    "close_devices",
    "close_sweep",
    "compare",
    "decide_conflict",
    "decide_pair",
    "deliver",
    "device_wiped",
    "end_member",
    "enrol_member",
    "escalate",
    "extend_sweep",
    "identify_lead",
    "import_roster",
    "leads_helped",
    "make_due",
    "open_device",
    "open_sweep",
    "raise_late",
    "raise_lead",
    "record_training",
    "record_visit",
    "refer_lead",
    "report_by_team",
    "report_lead",
    "resolve_conflict",
    "return_referral",
    "revoke_device",
    "run_sweeps",
    "set_contact",
    "set_plan",
    "settle_change",
    "take_referral",
    "try_indicator",
    "undo_decision",
    "use_device",
]
