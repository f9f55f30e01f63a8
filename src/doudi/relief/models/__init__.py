"""Relief: what is given once, on top of awards (急难救助); one file per part."""

from doudi.relief.models.cases import Cause, ReliefCase, ReliefHelp, ReliefMember, ReliefStep
from doudi.relief.models.meetings import CaseMeeting, ReliefClaim
from doudi.relief.models.prices import PriceClaim, PriceEntry, PriceGroupName, PriceLeftOut, PriceNotice, PriceProposal
from doudi.relief.models.tekun import CareAgreement, FuneralCase
from doudi.relief.models.vagrants import VagrantCase, VagrantSearch

__all__ = [
    "CareAgreement",
    "CaseMeeting",
    "Cause",
    "FuneralCase",
    "PriceClaim",
    "PriceEntry",
    "PriceGroupName",
    "PriceLeftOut",
    "PriceNotice",
    "PriceProposal",
    "ReliefCase",
    "ReliefClaim",
    "ReliefHelp",
    "ReliefMember",
    "ReliefStep",
    "VagrantCase",
    "VagrantSearch",
]
