"""Tables of community care."""

from doudi.community.models.cards import CardCall, CardPrinting, HelpCard, PlaceService, PrintRun
from doudi.community.models.contacts import CareContact, ContactAbsence
from doudi.community.models.groups import CareEvent, CarePerson, GroupByHand, GroupDefinition, Recheck

__all__ = [
    "CardCall", "CardPrinting", "CareContact", "CareEvent", "CarePerson", "ContactAbsence", "GroupByHand", "GroupDefinition", "HelpCard", "PlaceService",
    "PrintRun", "Recheck",
]  # fmt: skip
