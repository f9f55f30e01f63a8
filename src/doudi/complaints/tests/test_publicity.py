"""An objection to what is posted (2.2): one thing, whether the township records it in the case or somebody else takes it down as an objection."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from doudi.assessment.tests.cases import case as home
from doudi.complaints import services
from doudi.complaints.models import Complaint
from doudi.complaints.services.base import barred_from
from doudi.core import scope as scopes
from doudi.core.models import Duty
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment import services as enrolment
from doudi.enrolment.models import Case, Objection, Publicity
from doudi.enrolment.tests.walks import Offices

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Offices:
    return Offices()


@pytest.fixture
def posted(office: Offices) -> Case:
    with scopes.acting(office.town):
        place = home({"wage_income": 1200})
    case = office.until(office.apply(place), "publicity")
    with scopes.acting(office.town):
        enrolment.publish(case_id=case.pk, version=case.version, hotline="12345", now=office.now)
    return office.read(case)


def taken_down(office: Offices, who: scopes.Scope, publicity: int, **more) -> Complaint:
    with scopes.acting(who):
        return services.open_complaint(
            **({
                "uuid": uuid4(), "kind": "objection", "category": "publicity", "channel": "phone", "content": "该户有小汽车，请核实",
                "identity": services.Identity("李某"), "links": services.Links(publicity=publicity), "now": office.now,
            } | more)
        )  # fmt: skip


def test_2_2_an_objection_taken_down_elsewhere_stops_the_publicity_and_is_linked_both_ways(office, posted) -> None:
    with scopes.acting(office.town):
        publicity = Publicity.objects.get(case=posted.pk)
    uuid = uuid4()
    row = taken_down(office, office.reviewer, publicity.pk, uuid=uuid)
    assert taken_down(office, office.reviewer, publicity.pk, uuid=uuid).pk == row.pk, "sent twice it is one"
    with scopes.acting(office.town):
        objection = Objection.objects.get(case=posted.pk)
        assert (objection.way, str(objection.by), str(objection.text)) == ("check", row.number, "该户有小汽车，请核实")
        assert Publicity.objects.get(pk=publicity.pk).state == "stopped"
    assert row.household_id == posted.household_id and office.read(posted).step == "check"
    assert row.number in client_of(office.town).get(f"/enrolment/cases/{posted.pk}/").content.decode()
    page = client_of(office.reviewer).get(f"/complaints/{row.pk}/").content.decode()
    assert f"/enrolment/cases/{posted.pk}/" in page and "李某" not in page


def test_2_2_who_posts_it_is_offered_the_cases_own_form_only(office, posted) -> None:
    with scopes.acting(office.town):
        publicity = Publicity.objects.get(case=posted.pk)
    asked = f"publicity={publicity.pk}"
    assert asked not in client_of(office.town).get(f"/enrolment/cases/{posted.pk}/").content.decode()
    assert asked in client_of(office.reviewer).get(f"/enrolment/cases/{posted.pk}/").content.decode()


def test_2_2_an_officer_complained_about_does_not_read_it_in_the_case(office, posted) -> None:
    with scopes.acting(office.town):
        publicity = Publicity.objects.get(case=posted.pk)
    row = taken_down(office, office.reviewer, publicity.pk, about_account=office.town.account_id)
    with scopes.acting(office.town):
        assert str(Objection.objects.get(case=posted.pk).text) == f"内容见 {row.number}"


def test_after_the_days_it_goes_its_own_way_and_nobody_names_another_areas(office, posted) -> None:
    with scopes.acting(office.town):
        publicity = Publicity.objects.get(case=posted.pk)
        office.later(8)
        enrolment.close_publicity(case_id=posted.pk, version=posted.version, now=office.now)
    taken_down(office, office.reviewer, publicity.pk)
    with scopes.acting(office.town):
        assert not Objection.objects.filter(case=posted.pk).exists()
    far = officer(Duty.COUNTY_REVIEWER, "410724")
    with pytest.raises(ValidationError, match="不在您的管辖范围内"):
        taken_down(office, far, publicity.pk)


def test_who_proposed_or_posted_what_is_objected_to_handles_no_objection_to_it(office, posted) -> None:
    with scopes.acting(office.town):
        publicity = Publicity.objects.get(case=posted.pk)
    row = taken_down(office, office.reviewer, publicity.pk, kind="complaint")
    other = officer(Duty.TOWNSHIP_OFFICER)
    with scopes.acting(office.reviewer):
        with pytest.raises(ValidationError, match="不能办理"):
            services.assign(complaint_id=row.pk, version=1, account_id=office.town.account_id, now=office.now)
        assert barred_from([row.pk], office.town.account_id) == {row.pk} and not barred_from([row.pk], other.account_id)
        assert services.assign(complaint_id=row.pk, version=1, account_id=other.account_id, now=office.now).handler_id == other.account_id
