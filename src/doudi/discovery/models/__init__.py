"""Discovery's tables: deliveries of departments' files, comparison runs, leads and their way from signal to help; one file per part."""

from doudi.discovery.models.deliveries import ComparisonRun, Delivery, DeliveryPlan
from doudi.discovery.models.hotline import Call, CallBack, HotlineDesk, Knowledge
from doudi.discovery.models.indicators import IndicatorTrial
from doudi.discovery.models.leads import Channel, Lead, LeadEvent, Need
from doudi.discovery.models.linkage import LinkageDecision, LinkagePair
from doudi.discovery.models.referrals import Department, LeadReferral
from doudi.discovery.models.sweeps import Sweep, SweepAnswer, SweepConflict, SweepEntry, SweepEvent, SweepPlace, SweepQuestion
from doudi.discovery.models.team import TeamMember, TeamTraining
from doudi.discovery.models.visit_devices import VisitDevice
from doudi.discovery.models.visits import Visit, VisitConflict, VisitPlan

__all__ = [
    "Call",
    "CallBack",
    "Channel",
    "ComparisonRun",
    "Delivery",
    "DeliveryPlan",
    "Department",
    "HotlineDesk",
    "IndicatorTrial",
    "Knowledge",
    "Lead",
    "LeadEvent",
    "LeadReferral",
    "LinkageDecision",
    "LinkagePair",
    "Need",
    "Sweep",
    "SweepAnswer",
    "SweepConflict",
    "SweepEntry",
    "SweepEvent",
    "SweepPlace",
    "SweepQuestion",
    "TeamMember",
    "TeamTraining",
    "Visit",
    "VisitConflict",
    "VisitDevice",
    "VisitPlan",
]
