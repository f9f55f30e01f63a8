"""From application to award (2.2): the way as data, who takes each step, clocks, two officers, what is posted."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from doudi.assessment.tests.cases import case as home
from doudi.core import numbers, postgres
from doudi.core import scope as scopes
from doudi.core.models import Duty, Message, Posting, Setting, Todo
from doudi.core.tests.officers import COUNTY, officer
from doudi.discovery.models import LinkagePair
from doudi.discovery.services import deliver
from doudi.discovery.services.linkage import link
from doudi.discovery.services.linkage_desk import decide_pair
from doudi.discovery.tests.test_deliveries import citizen
from doudi.enrolment import services
from doudi.enrolment.models import Application, Award, Case, CaseStep, DataCheck, Decision, Publicity
from doudi.enrolment.services.applying import Fit
from doudi.enrolment.services.opinions import companions
from doudi.enrolment.tests.walks import Offices, due
from doudi.registry.models import BenefitStatus, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Offices:
    return Offices()


def poor(office: Offices, *members, **facts):
    with scopes.acting(office.town):
        return home(*(members or ({"wage_income": 1200}, {"birth": date(2012, 5, 1)})), **facts)


def test_2_2_dibao_from_application_to_award(office) -> None:
    c = office.apply(poor(office), "dibao")
    assert c.step == "accept" and c.application.number.startswith("SQ410122")
    assert next((w["programme"], w["person_id"]) for w in c.application.wish) == ("dibao", None)
    with scopes.acting(office.town):
        assert Todo.objects.get(subject="case", subject_id=c.pk, done_at__isnull=True).duty == Duty.TOWNSHIP_OFFICER
    steps = []
    while c.step:
        steps.append(c.step)
        office.take(c)
    assert steps == ["accept", "check", "visit", "opinion", "publicity", "approval", "notice"]
    with scopes.acting(office.town):
        c.refresh_from_db()
        award = Award.objects.get(decision=c.decision_id)
        decision = Decision.objects.get(pk=c.decision_id)
        assert (c.state, c.outcome) == ("closed", "granted") and award.starts == date(2022, 12, 1)
        assert award.amounts.get().amount == decision.amount == c.amount
        assert decision.content["basis"]["procedure"] == c.procedure["hash"] and decision.content["basis"]["check"]["result"] == "agrees"
        assert not Todo.objects.filter(done_at__isnull=True, subject__in=["case", "decision"]).exists()
        assert Application.objects.get(pk=c.application_id).moves_with is None
        assert Message.objects.filter(template="case.visited", account_id=office.second.account_id).count() == 1


def test_2_2_what_is_missing_is_named_and_told_once_and_the_clock_stands_still(office) -> None:
    c = office.apply(poor(office), "dibao")
    with scopes.acting(office.town):
        a = c.application
        with pytest.raises(ValidationError, match="核对授权书"):
            services.accept(application_id=a.pk, version=a.version, now=office.now)
        told = services.ask_supplements(application_id=a.pk, version=a.version, points=["户口簿", " "], now=office.now)
        assert told.supplements == ["户口簿"] and told.supplements_due == due(office.today(), 10)
        c.refresh_from_db()
        before = c.due
        assert c.state == "supplements"
        with pytest.raises(ValidationError, match="没有处于"):
            services.accept(application_id=a.pk, version=told.version, now=office.now)
        office.later(8)
        services.take_supplements(application_id=a.pk, version=told.version, now=office.now)
        c.refresh_from_db()
        assert c.due == due(before, 6) and c.state == "open"  # 2022-11-01 to 09: six working days
        assert Todo.objects.get(subject="case", subject_id=c.pk, done_at__isnull=True).due == c.due
        a.refresh_from_db()
        with pytest.raises(ValidationError, match="一次性"):
            services.ask_supplements(application_id=a.pk, version=a.version, points=["收入证明"], now=office.now)
    office.take(c)
    assert c.step == "check" and c.decide_by == due(office.today(), 30)


def test_2_2_documents_are_handed_in_once(office) -> None:
    place = poor(office, {"wage_income": 0, "disability": (1, "visual"), "needs_long_care": 1})
    first = office.apply(place, "dibao")
    office.take(first)
    second = office.apply(place, "disability_nursing", person=place.people[0])
    with scopes.acting(office.town):
        from doudi.enrolment.services.accepting import checklist, owed

        items = {item.paper: item for item in checklist(second.application, [second], on=office.today())}
        assert items["identity"].known and items["identity"].document is not None and items["disability"].document is None
        assert owed(second.application, [second], on=office.today()) == ["残疾人证"]
        made = services.add_document(household_id=place.household.pk, paper="disability", application_id=second.application_id, now=office.now)
        assert services.add_document(household_id=place.household.pk, paper="disability", application_id=second.application_id, now=office.now) == made
        services.accept(application_id=second.application_id, version=1, now=office.now)
        with pytest.raises(ValidationError, match="已随申请受理"):
            services.remove_document(document_id=made.pk, now=office.now)


def test_2_2_the_law_proposes_which_programmes_fit(office) -> None:
    place = poor(office, {"wage_income": 0, "disability": (1, "visual"), "needs_long_care": 1})
    with scopes.acting(office.town):
        found: list[Fit] = services.fits(services.law_says(household=place.household, now=office.now))
        by = {(f.programme, f.person_id): f for f in found}
        assert by["dibao", None].fits and by["disability_nursing", place.people[0].pk].fits
        assert not by["marginal", None].fits and by["marginal", None].why
        assert found[0].fits and not found[-1].fits


def test_2_2_a_household_applies_once_per_programme(office) -> None:
    place = poor(office)
    office.apply(place, "dibao")
    with pytest.raises(ValidationError, match="已有办理中的申请"):
        office.apply(place, "dibao")
    with scopes.acting(office.town):
        one = Case.objects.get(programme="dibao")
        with pytest.raises(IntegrityError), transaction.atomic():  # and past the service
            Case.objects.create(
                area=one.area, application=one.application, household=one.household, programme="dibao", procedure={}, step="accept", duty="x", made_at=office.now
            )
    several = office.apply(poor(office), "dibao", "marginal")
    with scopes.acting(office.town):
        assert Case.objects.filter(application=several.application_id).count() == 2


def test_an_application_names_what_is_wrong(office) -> None:
    place, other = poor(office), poor(office)
    with pytest.raises(ValidationError, match="在册的成员"):
        office.apply(place, "dibao", applicant_id=other.people[0].pk)
    with pytest.raises(ValidationError, match="享受人"):
        office.apply(place, "disability_living")
    with pytest.raises(ValidationError, match="享受人"):
        office.apply(place, "tekun", person=other.people[0])
    with pytest.raises(ValidationError, match="申请日期"):
        office.apply(place, "dibao", applied_on=office.today() + timedelta(days=1))
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410724100")), pytest.raises(ValidationError, match="管辖范围"):
        services.apply(household_id=place.household.pk, applicant_id=place.people[0].pk, programmes=[("dibao", None)], channel="counter", now=office.now)
    with scopes.acting(office.checker), pytest.raises(PermissionDenied):
        services.apply(household_id=place.household.pk, applicant_id=place.people[0].pk, programmes=[("dibao", None)], channel="counter", now=office.now)


def test_the_village_applies_on_behalf_without_seeing_the_law(office) -> None:
    place = poor(office)
    visitor = officer(Duty.VISITOR, "410122101201")
    with scopes.acting(visitor):
        made = services.apply(household_id=place.household.pk, applicant_id=place.people[0].pk, programmes=[("dibao", None)], channel="village", now=office.now)
        assert made.wish == []
        with pytest.raises(PermissionDenied):
            services.accept(application_id=made.pk, version=1, now=office.now)


def test_procedure_changed_while_cases_run_running_cases_keep_theirs(office) -> None:
    old = office.apply(poor(office), "dibao")
    with scopes.acting(office.reviewer):
        for name, value in (("dibao.publicity_days", "10"), ("dibao.check_days", "3"), ("dibao.document.illness", "1")):
            row = services_setting(name, value, office)
            assert row.state == "proposed"
    with scopes.acting(office.approver):
        from doudi.core.services.settings import confirm_setting

        for row in Setting.objects.filter(state="proposed"):
            confirm_setting(setting_id=row.pk, now=office.now)
    new = office.apply(poor(office), "dibao")
    assert old.procedure["publicity_days"] == 7 and new.procedure["publicity_days"] == 10
    assert old.procedure["hash"] != new.procedure["hash"]
    assert {d["paper"]: d["required"] for d in new.procedure["documents"]}["illness"] is True
    office.take(old)
    office.take(new)
    assert old.due == due(office.today(), 5) and new.due == due(office.today(), 3)


def services_setting(name: str, value: str, office: Offices) -> Setting:
    from doudi.core.services.settings import propose_setting

    return propose_setting(parameter=f"procedure.case.{name}", area=COUNTY, starts=date(2022, 1, 1), value=value, document="县文〔2022〕1号", now=office.now)


def test_2_2_a_county_sets_from_which_month_a_programme_is_paid_and_running_cases_keep_theirs(office) -> None:
    old = office.apply(poor(office), "dibao")
    with scopes.acting(office.reviewer):
        services_setting("dibao.start_month", "1", office)
    with scopes.acting(office.approver):
        from doudi.core.services.settings import confirm_setting

        confirm_setting(setting_id=Setting.objects.get(state="proposed").pk, now=office.now)
    new = office.apply(poor(office), "dibao")
    assert (old.procedure["start"], new.procedure["start"]) == ("month_after_decision", "month_of_application")
    old, new = office.until(old, "approval"), office.until(new, "approval")
    old, new = office.until(old, "notice"), office.until(new, "notice")
    with scopes.acting(office.town):
        starts = {case.pk: Award.objects.get(decision=case.decision_id).starts for case in (old, new)}
    assert starts == {old.pk: date(2022, 12, 1), new.pk: date(2022, 11, 1)}


DEATHS = "姓名,身份证号,死亡日期,死亡原因\n王建国,{number},2022-10-03,疾病\n"


@pytest.fixture
def old_man(office, tmp_path, monkeypatch):
    """An old man alone, whose number stands in the departments' file of deaths; called with False the file has not come."""
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    place = poor(office, {"birth": date(1940, 3, 1), "wage_income": 0})
    number = citizen("41012219400301101")
    with scopes.acting(office.town):
        Person.objects.filter(pk=place.people[0].pk).update(token=numbers.id_token(number))

    def made(*, dead: bool) -> Case:
        if dead:
            file = tmp_path / "deaths 2022-11.csv"
            file.write_text(DEATHS.format(number=number), encoding="utf-8")
            with scopes.acting(office.checker):
                deliver(path=file, dataset="deaths", area=COUNTY, now=office.now, period="2022-11")
        c = office.apply(place, "dibao")
        office.take(c)
        return c

    return made


def _report(office, c: Case) -> dict:
    with scopes.acting(office.checker):
        return json.loads(services.fill_check(check_id=DataCheck.objects.get(application=c.application_id).pk, now=office.now).report)


@pytest.mark.parametrize("dead", [True, False])
def test_2_2_a_death_or_a_hit_is_not_passed_over_in_silence(office, old_man, dead) -> None:
    c = old_man(dead=dead)
    told = _report(office, c)
    assert [each.endswith("王建国 有死亡记录") for each in told["differences"]] == ([True] if dead else [])
    assert [(hit["indicator"], hit["person"]) for hit in told["hits"]] == ([] if dead else [("old_alone_no_contact", "王建国")])
    with scopes.acting(office.checker):
        given = {"application_id": c.application_id, "version": office.read(c).application.version, "result": "agrees", "now": office.now}
        with pytest.raises(ValidationError, match="列有 1 项差异或预警"):
            services.conclude_check(note=" 无 ", **given)
        services.conclude_check(note="同名人员，身份证号登记有误，已核实", **given)
        step = CaseStep.objects.get(case_id=c.pk, step="check", state="done")
    assert step.data["marks"] == 1


def test_1_2_a_row_without_a_number_that_the_desk_found_to_be_his_counts_in_his_check(office, old_man, tmp_path) -> None:
    c = old_man(dead=False)
    with scopes.acting(office.checker):
        person = Person.objects.get(pk=c.application.applicant_id)
        file = tmp_path / "b.csv"
        file.write_text(f"姓名,身份证号,死亡日期,死亡原因,出生日期\n{person.name},,2022-10-03,疾病,1940-03-01\n", encoding="utf-8")
        deliver(path=file, dataset="deaths", area=COUNTY, now=office.now, period="2022-11")
        link(area=COUNTY, on=office.today(), now=office.now, folder=tmp_path)
        pair = LinkagePair.objects.get(person=person)
        assert pair.state == "open", "the desk is asked"
        decide_pair(pair_id=pair.pk, version=pair.version, choice="same", now=office.now)
    told = _report(office, c)
    assert [each for each in told["differences"] if "死亡记录" in each] and not [hit for hit in told["hits"] if hit["indicator"] == "old_alone_no_contact"]


def test_2_2_only_what_was_signed_for_is_compared(office, old_man) -> None:
    c = old_man(dead=True)
    with scopes.acting(office.town):
        services.record_authorisation(
            household_id=c.household_id, person_id=c.application.applicant_id, signed_on=office.today(), sign="paper", datasets=["vehicles"], now=office.now
        )
    told = _report(office, c)
    # the registry alone speaks for him: it does not know of the death
    assert told["differences"] == [] and [hit["indicator"] for hit in told["hits"]] == ["old_alone_no_contact"]


def test_2_2_of_two_members_of_one_name_each_is_compared_for_what_he_signed_for(office, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(postgres, "home", lambda: tmp_path)
    place = poor(office, {"birth": date(1940, 3, 1), "wage_income": 0}, {"wage_income": 0})
    first, second = place.people
    number = citizen("41012219400301101")
    with scopes.acting(office.town):
        Person.objects.filter(pk=first.pk).update(token=numbers.id_token(number))
        Person.objects.filter(pk=second.pk).update(name=first.name)
    file = tmp_path / "deaths 2022-11.csv"
    file.write_text(DEATHS.format(number=number), encoding="utf-8")
    with scopes.acting(office.checker):
        deliver(path=file, dataset="deaths", area=COUNTY, now=office.now, period="2022-11")
    c = office.apply(place, "dibao")
    office.take(c)
    names = [f"王建国（{each.birth_date:%Y-%m-%d}）" for each in (first, second)]
    for limited, differences in ((first, []), (second, [f"{names[0]} 有死亡记录"])):
        with scopes.acting(office.town):
            for person in (first, second):
                services.record_authorisation(
                    household_id=c.household_id, person_id=person.pk, signed_on=office.today(), sign="paper",
                    datasets=["vehicles"] if person == limited else [], now=office.now,
                )  # fmt: skip
        with scopes.acting(office.checker):
            DataCheck.objects.filter(application=c.application_id).update(state="waiting")
        told = _report(office, c)
        assert told["people"] == names and [each.split("：")[1] for each in told["differences"]] == differences


def test_2_2_nobody_is_compared_without_a_signature(office) -> None:
    place = poor(office, {"wage_income": 0}, {"name": "李四", "wage_income": 0})
    c = office.apply(place, "dibao")
    office.take(c)
    with scopes.acting(office.checker):
        from doudi.enrolment.models import Authorisation

        signed = Authorisation.objects.get(household=place.household, person=place.people[1])
    with scopes.acting(office.town):
        services.end_authorisation(authorisation_id=signed.pk, now=office.now)
    with scopes.acting(office.checker):
        check = DataCheck.objects.get(application=c.application_id)
        with pytest.raises(ValidationError, match="核对尚未完成"):
            services.conclude_check(application_id=c.application_id, version=c.application.version, result="agrees", note="", now=office.now)
        done = services.fill_check(check_id=check.pk, now=office.now)
        told = json.loads(done.report)
        assert told["unsigned"] == ["李四"] and told["people"] == ["王建国"]
        with pytest.raises(ValidationError, match="写明不一致"):
            services.conclude_check(application_id=c.application_id, version=c.application.version, result="differs", note="", now=office.now)


def test_2_2_a_visit_needs_two_people_and_findings(office) -> None:
    c = office.until(office.apply(poor(office)), "visit")
    with scopes.acting(office.town):
        given = {"application_id": c.application_id, "version": Application.objects.get(pk=c.application_id).version, "now": office.now}
        with pytest.raises(ValidationError, match="两名以上"):
            services.record_visit(**given, **office.visit(second_id=office.town.account_id))
        with pytest.raises(ValidationError, match="列表中选择"):
            services.record_visit(**given, **office.visit(second_id=999_999))
        with pytest.raises(ValidationError, match="10 个字"):
            services.record_visit(**given, **office.visit(findings="困难"))
        with pytest.raises(ValidationError, match="入户日期"):
            services.record_visit(**given, **office.visit(visited_on=date(2022, 10, 1)))


def test_2_2_who_visits_for_the_county_can_be_the_second_of_a_township(office) -> None:
    with scopes.acting(office.town):
        before = {account for account, _name, _duty in companions("410122101201", on=office.today())}
    known = officer(Duty.VISITOR, "410122", name="县走访员")
    for duty, area in ((Duty.VISITOR, "410181"), (Duty.FINANCE_OFFICER, "410122"), (Duty.VISITOR, "410122102"), (Duty.VISITOR, "4101")):
        officer(duty, area)
    gone = officer(Duty.STATION_WORKER, "410122")
    with scopes.acting(scopes.Scope(area="41")):
        Posting.objects.filter(pk=gone.posting_id).update(ends=office.today())
    with scopes.acting(office.town):
        found = companions("410122101201", on=office.today())
        assert {account for account, _name, _duty in found} - before == {known.account_id} and (known.account_id, "县走访员", "县级") in found
        assert office.reviewer.account_id in before and not Posting.objects.filter(pk=known.posting_id).exists()
    c = office.until(office.apply(poor(office)), "visit")
    with scopes.acting(office.town):
        version = Application.objects.get(pk=c.application_id).version
        made = services.record_visit(application_id=c.application_id, version=version, now=office.now, **office.visit(second_id=known.account_id))
    assert made.second_id == known.account_id


def test_2_2_relatives_on_record_force_the_countys_visit(office) -> None:
    place = poor(office)
    c = office.until(office.apply(place), "opinion")
    with scopes.acting(office.town):
        services.record_relative(household_id=place.household.pk, official="王村长", post="village", relationship="叔父", now=office.now)
        with pytest.raises(ValidationError, match="已经登记过"):
            services.record_relative(household_id=place.household.pk, official="王村长", post="village", relationship="叔父", now=office.now)
    office.read(c)
    assert c.step == "county_visit" and c.duty == Duty.COUNTY_REVIEWER
    office.take(c)
    assert c.step == "opinion"
    late = office.until(office.apply(poor(office)), "approval")
    with scopes.acting(office.town):
        services.record_relative(household_id=late.household_id, official="赵站长", post="township", relationship="姐夫", now=office.now)
    assert office.read(late).step == "county_visit"  # known only when the county was about to decide
    with scopes.acting(office.approver), pytest.raises(ValidationError, match="县级入户核查"):
        services.approve(decision_id=late.decision_id, version=1, now=office.now)
    assert office.until(late, "").outcome == "granted"


def test_2_2_only_what_may_be_posted_is_posted(office) -> None:
    c = office.until(office.apply(poor(office)), "publicity")
    with scopes.acting(office.town):
        with pytest.raises(ValidationError, match="监督电话"):
            services.publish(case_id=c.pk, version=c.version, hotline="请打电话", now=office.now)
        posted = services.publish(case_id=c.pk, version=c.version, hotline="12345", now=office.now)
        assert set(posted.shown) == {"applicant", "members", "amount", "hotline", "date"} and posted.ends - posted.starts == timedelta(days=7)
        from doudi.enrolment.services.publicising import masked

        assert masked(posted.shown)["applicant"] == "王*国"
        c.refresh_from_db()
        office.later(6)
        with pytest.raises(ValidationError, match="期满"):
            services.close_publicity(case_id=c.pk, version=c.version, now=office.now)


def test_2_2_an_objection_stops_the_publicity_and_a_rejected_one_posts_again(office) -> None:
    c = office.until(office.apply(poor(office)), "publicity")
    with scopes.acting(office.town):
        services.publish(case_id=c.pk, version=c.version, hotline="12345", now=office.now)
        c.refresh_from_db()
        services.raise_objection(case_id=c.pk, version=c.version, way="appraisal", text="家里有面包车跑运输", now=office.now)
        c.refresh_from_db()
        assert c.step == "appraisal" and Publicity.objects.get(case=c).state == "stopped"
    office.take(c)
    assert c.step == "objection"
    office.take(c)
    assert c.step == "publicity"
    c = office.until(c, "")
    assert c.outcome == "granted"


def test_2_2_an_upheld_objection_takes_the_proposal_back(office) -> None:
    c = office.until(office.apply(poor(office)), "publicity")
    proposed = c.decision_id
    with scopes.acting(office.town):
        services.publish(case_id=c.pk, version=c.version, hotline="12345", now=office.now)
        c.refresh_from_db()
        services.raise_objection(case_id=c.pk, version=c.version, way="check", text="隐瞒了在外务工收入", now=office.now)
        c.refresh_from_db()
    assert c.step == "check"
    office.take(c)
    office.take(c)
    assert c.step == "objection"
    office.take(c, upheld=True)
    assert c.step == "opinion" and c.decision_id is None
    with scopes.acting(office.town):
        assert Decision.objects.get(pk=proposed).state == "withdrawn"
    c = office.until(c, "notice", agree=False, reason="家庭收入超过标准")
    assert c.outcome == "refused"
    with scopes.acting(office.town):
        assert BenefitStatus.objects.filter(household_id=c.household_id, state="refused").exists()


def test_2_2_what_differs_from_the_law_has_a_reason_and_a_second_signature(office) -> None:
    c = office.until(office.apply(poor(office)), "opinion")
    with scopes.acting(office.town), pytest.raises(ValidationError, match="理由"):
        services.give_opinion(case_id=c.pk, version=c.version, agree=True, amount=Decimal("88.00"), now=office.now)
    c = office.until(c, "approval", amount=Decimal("88.00"), reason="民主评议意见")
    with scopes.acting(office.approver):
        d = Decision.objects.get(pk=c.decision_id)
        with pytest.raises(ValidationError, match="会签"):
            services.approve(decision_id=d.pk, version=d.version, now=office.now)
        with pytest.raises(IntegrityError), transaction.atomic():  # and past the services
            Decision.objects.filter(pk=d.pk).update(state="approved", decided_by_id=office.approver.account_id, decided_at=office.now)
    with scopes.acting(office.reviewer):
        assert Todo.objects.filter(kind="enrolment.sign", done_at__isnull=True).count() == 1
        d = services.sign(decision_id=d.pk, version=d.version, now=office.now)
        assert not Todo.objects.filter(kind="enrolment.sign", done_at__isnull=True).exists()
        with pytest.raises(ValidationError, match="已经会签"):
            services.sign(decision_id=d.pk, version=d.version, now=office.now)
    c = office.until(c, "")
    assert c.outcome == "granted" and c.amount == 88


def test_a_decision_waits_for_its_case(office) -> None:
    c = office.until(office.apply(poor(office)), "publicity")
    with scopes.acting(office.approver):
        d = Decision.objects.get(pk=c.decision_id)
        assert not Todo.objects.filter(subject="decision", done_at__isnull=True).exists()
        with pytest.raises(ValidationError, match="公示"):
            services.approve(decision_id=d.pk, version=d.version, now=office.now)
        with pytest.raises(IntegrityError), transaction.atomic():  # and past the services
            Decision.objects.filter(pk=d.pk).update(state="approved", decided_by_id=office.approver.account_id, decided_at=office.now)
    with scopes.acting(office.town), pytest.raises(ValidationError, match="随申请办理"):
        services.withdraw(decision_id=d.pk, version=d.version, now=office.now)


def test_sent_back_by_the_county_the_township_gives_its_opinion_anew(office) -> None:
    c = office.until(office.apply(poor(office)), "approval")
    first = c.decision_id
    with scopes.acting(office.approver):
        services.send_back(decision_id=first, version=1, note="公示照片缺失", now=office.now)
    with scopes.acting(office.town):
        c.refresh_from_db()
        assert c.step == "opinion" and c.decision_id is None
        assert CaseStep.objects.filter(case=c, step="publicity", state="void").count() == 1
    c = office.until(c, "")
    assert c.outcome == "granted" and c.decision_id != first


def test_who_died_during_the_procedure_is_not_granted(office) -> None:
    place = poor(office)
    c = office.until(office.apply(place), "approval")
    with scopes.acting(office.town):
        place.people[1].died_on = office.today()
        place.people[1].save(update_fields=["died_on"])
    with scopes.acting(office.approver), pytest.raises(ValidationError, match="死亡"):
        services.approve(decision_id=c.decision_id, version=1, now=office.now)
    with scopes.acting(office.town):
        c.refresh_from_db()
        services.end_case(case_id=c.pk, version=c.version, reason="家庭成员去世，重新申请", now=office.now)
        c.refresh_from_db()
        assert (c.state, c.outcome) == ("closed", "ended") and not Award.objects.exists()
        assert Decision.objects.get(household=place.household).state == "withdrawn"
    again = office.apply(place)
    assert again.step == "accept"


def test_withdrawn_paused_refused_acceptance(office) -> None:
    c = office.until(office.apply(poor(office)), "visit")
    with scopes.acting(office.town):
        with pytest.raises(ValidationError, match="理由"):
            services.withdraw_application(case_id=c.pk, version=c.version, reason=" ", now=office.now)
        c = services.pause(case_id=c.pk, version=c.version, reason="封闭管理期间不能入户", now=office.now)
        before, whole = c.due, c.decide_by
        with pytest.raises(ValidationError, match="没有处于"):
            services.record_visit(application_id=c.application_id, version=Application.objects.get(pk=c.application_id).version, now=office.now, **office.visit())
        office.later(14)
        c = services.resume_case(case_id=c.pk, version=c.version, now=office.now)
        assert c.due == due(before, 10) and c.decide_by == due(whole, 10)
        c = services.withdraw_application(case_id=c.pk, version=c.version, reason="本人不再申请", now=office.now)
        assert c.outcome == "withdrawn"
    other = office.apply(poor(office))
    with scopes.acting(office.town):
        services.refuse_acceptance(case_id=other.pk, version=other.version, reason="不属本地受理范围", now=office.now)
        other.refresh_from_db()
        assert other.step == "notice" and other.outcome == "not_accepted"
    assert office.until(other, "").state == "closed"
