"""Tables of organisations, volunteers, activities and hours."""

from doudi.volunteering.models.activities import Activity, Shift, SignUp
from doudi.volunteering.models.board import Feedback, Notice, Offer
from doudi.volunteering.models.calls import Call, CallReply
from doudi.volunteering.models.events import VolunteeringEvent
from doudi.volunteering.models.hours import RecordCorrection, ServiceCertificate, ServiceRecord
from doudi.volunteering.models.organisations import Credential, Organisation, OrganisationArea
from doudi.volunteering.models.volunteers import Training, Volunteer

__all__ = [
    "Activity",
    "Call",
    "CallReply",
    "Credential",
    "Feedback",
    "Notice",
    "Offer",
    "Organisation",
    "OrganisationArea",
    "RecordCorrection",
    "ServiceCertificate",
    "ServiceRecord",
    "Shift",
    "SignUp",
    "Training",
    "Volunteer",
    "VolunteeringEvent",
]
