"""Tables of community care."""

from doudi.community.models.cards import CardCall, CardPrinting, HelpCard, PlaceService, PrintRun
from doudi.community.models.contacts import CareContact, ContactAbsence, ContactChange
from doudi.community.models.counselling import CounsellingNote, CounsellingSession
from doudi.community.models.groups import CareEvent, CarePerson, GroupByHand, GroupDefinition, Recheck
from doudi.community.models.plans import Activation, ActivationCheck, ActivationPerson, ActivationStep, PlanItem, PlanVersion

__all__ = [
    "Activation",
    "ActivationCheck",
    "ActivationPerson",
    "ActivationStep",
    "CardCall",
    "CardPrinting",
    "CareContact",
    "CareEvent",
    "CarePerson",
    "ContactAbsence",
    "ContactChange",
    "CounsellingNote",
    "CounsellingSession",
    "GroupByHand",
    "GroupDefinition",
    "HelpCard",
    "PlaceService",
    "PlanItem",
    "PlanVersion",
    "PrintRun",
    "Recheck",
]  # fmt: skip
