"""Clauses that enrolment serves."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from doudi.core import measures
from doudi.enrolment import queries, review_queries
from doudi.enrolment.models import Award, AwardMember
from doudi.registry.models import Fact, FactKind, Person, Programme


def low_income_people() -> QuerySet[Person]:
    """2.2: people on dibao, tekun or confirmed as marginal."""
    counted = (Programme.DIBAO, Programme.DIBAO_SINGLE, Programme.TEKUN, Programme.MARGINAL)
    return Person.objects.filter(pk__in=AwardMember.objects.filter(void=False, ends=None, award__programme__in=counted).values("person_id"))


def people(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("人")


def alone() -> QuerySet[Award]:
    """2.3: members of marginal families and others included alone."""
    return Award.objects.filter(void=False, ends=None, suspended=False, programme=Programme.DIBAO_SINGLE)


def workers_away() -> QuerySet[Fact]:
    """2.4: people with work away on record, whose work costs the law deducts."""
    return Fact.objects.filter(kind=FactKind.WORKS_AWAY, number=1, superseded_at=None)


def disability() -> QuerySet[Award]:
    """4.5: running disability subsidies."""
    return Award.objects.filter(void=False, ends=None, suspended=False, programme__in=queries.DISABILITY)


def subsidies(numbers: measures.Numbers) -> tuple[int, str]:
    return int(numbers["n"]), _("人次")


measures.serve("2.2", "enrolment:awards", act="enrolment.view", counts=low_income_people, says=people, rows=low_income_people)
measures.serve("2.3", "enrolment:awards", act="enrolment.view", counts=alone, says=people, given="programme=dibao_single&state=active")
measures.serve("2.4", "assessment:list", act="assessment.view", counts=workers_away, says=people, rows=workers_away)
measures.serve("4.5", "enrolment:awards", act="enrolment.view", counts=disability, says=subsidies, given="programme=disability&state=active")
measures.serve("2.1", "enrolment:reviews", act="enrolment.view", counts=review_queries.waiting, says=review_queries.open_figure, given="state=open")
measures.serve("2.5", "enrolment:awards", act="enrolment.view", counts=review_queries.in_gradual_exit, says=review_queries.gradual_figure, given="state=gradual")
measures.serve("2.6", "emergency_measures", act="emergencies.view", figure=review_queries.suspended_figure, rows=review_queries.suspended_places)
