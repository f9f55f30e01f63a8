"""Tables that every room shares."""

from doudi.core.models.attachments import Attachment
from doudi.core.models.audit import AccessRecord, AccessSeal, HistoryEvent
from doudi.core.models.divisions import Division
from doudi.core.models.emergencies import Emergency, EmergencyPlace, EmergencyStep
from doudi.core.models.keys import KeyState
from doudi.core.models.messages import Message, MessageOptOut
from doudi.core.models.public import PhoneCode, PublicUse
from doudi.core.models.settings import Setting
from doudi.core.models.staff import Account, Duty, Posting
from doudi.core.models.switches import EmergencySwitch
from doudi.core.models.work import DailyRun, TaskProgress, Todo

__all__ = [
    "AccessRecord",
    "AccessSeal",
    "Account",
    "Attachment",
    "DailyRun",
    "Division",
    "Duty",
    "Emergency",
    "EmergencyPlace",
    "EmergencyStep",
    "EmergencySwitch",
    "HistoryEvent",
    "KeyState",
    "Message",
    "MessageOptOut",
    "PhoneCode",
    "Posting",
    "PublicUse",
    "Setting",
    "TaskProgress",
    "Todo",
]
