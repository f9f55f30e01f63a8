"""Temporary assistance (3.1, 3.2): opened where the emergency is, granted by the township and the county, each guard broken on purpose."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.services import emergencies, settings
from doudi.core.tests.officers import client_of, officer
from doudi.payments.models import Grant
from doudi.payments.services import grants, reserves
from doudi.payments.tests.test_guards import refused, run
from doudi.payments.tests.world import person
from doudi.relief import queries, rules, services
from doudi.relief.models import ReliefCase, ReliefClaim, ReliefStep
from doudi.relief.services import Help, Someone
from doudi.relief.tests.world import NOW, ON, Place, cash, id_number

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    return Place()


def someone(**more: Any) -> Someone:
    return Someone(**{"name": "赵急难", "id_number": id_number(), **more})


def test_3_1_a_person_from_elsewhere_is_helped_where_the_emergency_is(place: Place) -> None:
    case = place.granted(someone(id_number=id_number(prefix="320102")), registered_place="江苏省南京市", cause="stranded")
    assert (case.state, case.level, case.elsewhere, case.area) == ("granted", "township", True, place.village)
    with scopes.acting(place.officer):
        grant = Grant.objects.get(programme="temporary", cause=case.pk)
        assert (grant.way, grant.amount, grant.payee_id, grant.beneficiary) == ("reserve", Decimal("1000.00"), None, case.token)
        assert ReliefClaim.objects.get().until == date(2023, 12, 6)


def test_3_1_somebody_without_any_number_is_helped_too(place: Place) -> None:
    case = place.granted(Someone(name="不详（男，约60岁）"))
    again = place.granted(Someone(name="不详（男，约60岁）"))
    assert not case.has_number and case.token != again.token and again.state == "granted"


def test_a_registered_person_is_taken_over_as_a_frozen_copy(place: Place) -> None:
    with scopes.acting(place.reviewer):
        who = person("钱在册", area=place.village)
    case = place.granted(Someone(person_id=who.pk))
    with scopes.acting(place.reviewer):
        run("update registry_person set name = '改名' where id = %s", [who.pk])
        member = case.members.get()
        assert (member.name, member.token, member.person_id) == ("钱在册", who.token, who.pk)
        assert Grant.objects.get(cause=case.pk).account == who.account


def test_an_old_number_of_15_digits_is_the_same_person(place: Place) -> None:
    number = id_number(born=date(1975, 3, 1))
    place.granted(someone(id_number=number))
    old = number[:6] + number[8:17]
    second = place.opened(someone(id_number=old), cause="illness")
    assert second.token == place.opened(someone(id_number=number), cause="traffic").token


def test_the_ceiling_is_the_laws_to_the_fen(place: Place) -> None:
    case = place.opened(someone(), someone())
    with scopes.acting(place.officer):
        found = rules.ceilings(area=place.village, kind="emergency", people=2, on=ON)
    assert (case.township_ceiling, case.ceiling) == (found.township, found.county) and found.township * 2 == found.county
    with pytest.raises(ValidationError, match="请报县级审批"):
        place.grant(case, amount=str(case.township_ceiling + Decimal("0.01")))
    assert place.grant(case, amount=str(case.township_ceiling)).amount == case.township_ceiling


def test_the_ceiling_holds_in_the_database_too(place: Place) -> None:
    case = place.granted(someone())
    with scopes.acting(place.officer):
        for sql in (
            "update relief_reliefcase set amount = township_ceiling + 0.01 where id = %s",
            "update relief_reliefcase set township_ceiling = 1000000 where id = %s",
            "update relief_reliefcase set state = 'open' where id = %s",
        ):
            with refused("permission denied|within_ceiling|stays|does not go"):
                run(sql, [case.pk])
    other = place.opened(someone())
    with scopes.acting(place.officer), refused("claimed for|sum of its grants|by_somebody"):
        run(
            "update relief_reliefcase set state = 'granted', level = 'township', amount = 10, decided_by_id = made_by_id, decided_at = now(),"
            " explanation_due = '2022-12-20' where id = %s",
            [other.pk],
        )


def test_3_2_relief_first_is_explained_within_the_set_working_days(place: Place) -> None:
    case = place.granted(someone())
    assert case.explanation_due == date(2022, 12, 20)  # ten working days
    with scopes.acting(place.officer):
        assert Todo.objects.get(kind="relief.explain", subject_id=case.pk).due == case.explanation_due
        with pytest.raises(ValidationError, match="不少于 10 个字"):
            services.explain(case_id=case.pk, version=case.version, text="着火", now=NOW)
        done = services.explain(case_id=case.pk, version=case.version, text="12月6日厨房起火，村支书现场核实，烧毁两间房", now=NOW)
        assert not Todo.objects.filter(kind="relief.explain", done_at=None).exists()
        with pytest.raises(ValidationError):
            services.explain(case_id=case.pk, version=done.version, text="再改一次补充说明的内容", now=NOW)
        with refused("explanation stays|permission"):
            run("update relief_reliefcase set explained_at = now() + interval '1 day' where id = %s", [case.pk])


def test_3_2_missing_explanations_remind_and_go_up_a_level_each(place: Place) -> None:
    case = place.granted(someone())
    worker = scopes.Scope(area=place.county, duty="worker", page="daily", acts=frozenset({"relief.remind"}))
    city = officer(Duty.SUPERVISOR, place.county[:4])

    def on(day: date) -> tuple[dict[str, int], set[str]]:
        with scopes.acting(worker):
            done = services.remind(area=place.county, on=day, now=NOW)
        with scopes.acting(city):
            return done, set(Todo.objects.filter(subject="relief", subject_id=case.pk, done_at=None).values_list("kind", flat=True))

    assert on(date(2022, 12, 15)) == ({"reminded": 0, "escalated": 0}, {"relief.explain", "relief.pay"})
    assert on(date(2022, 12, 16))[0] == {"reminded": 1, "escalated": 0}
    assert on(date(2022, 12, 16))[0] == {"reminded": 0, "escalated": 0}
    assert on(case.explanation_due)[0]["escalated"] == 0  # its own day is in time
    done, kinds = on(case.explanation_due + timedelta(days=1))
    assert done["escalated"] == 1 and "relief.explain_late" in kinds and "relief.explain_city" not in kinds
    assert "relief.explain_city" in on(date(2022, 12, 27))[1]
    with scopes.acting(place.officer):
        services.explain(case_id=case.pk, version=case.version, text="12月6日厨房起火，村支书现场核实", now=NOW)
    assert on(date(2022, 12, 28))[1] == {"relief.pay"}


def test_without_relief_first_the_township_says_what_it_verified(place: Place) -> None:
    case = place.opened(someone(), relief_first=False)
    with pytest.raises(ValidationError, match="核实情况"):
        place.grant(case, checked=" ")
    assert place.grant(case).explanation_due is None
    with pytest.raises(ValidationError, match="须先核实"):
        place.opened(someone(), kind="expenditure", cause="medical")


def test_above_the_townships_ceiling_the_county_decides_by_another_officer(place: Place) -> None:
    case = place.opened(someone(), relief_first=False)
    amount = case.township_ceiling + Decimal("0.01")
    with scopes.acting(place.reviewer):
        with pytest.raises(ValidationError, match="一事一议"):
            services.propose_to_county(case_id=case.pk, version=case.version, helps=[cash(str(case.ceiling + Decimal("0.01")))], checked="核实", now=NOW)
        case = services.propose_to_county(case_id=case.pk, version=case.version, helps=[cash(str(amount), "payroll")], checked="入户核实", now=NOW)
    both = scopes.Scope(area=place.county, account_id=place.reviewer.account_id, duty=Duty.COUNTY_APPROVER, page="test")
    with scopes.acting(both), pytest.raises(PermissionDenied):
        services.approve_by_county(case_id=case.pk, version=case.version, now=NOW)
    with scopes.acting(place.officer), pytest.raises(PermissionDenied):
        services.approve_by_county(case_id=case.pk, version=case.version, now=NOW)
    with scopes.acting(place.approver):
        done = services.approve_by_county(case_id=case.pk, version=case.version, now=NOW)
        assert (done.state, done.level, done.amount) == ("granted", "county", amount)
    # no account: it waits for one
    with scopes.acting(place.reviewer), pytest.raises(ValidationError, match="没有领款账户"):
        grants.prepare_one_off(area=place.county, month=ON, now=NOW)


def test_the_county_sends_back_and_refuses_with_a_reason(place: Place) -> None:
    case = place.opened(someone(), relief_first=False)
    with scopes.acting(place.officer):
        case = services.propose_to_county(case_id=case.pk, version=case.version, helps=[cash("2500")], checked="入户核实", now=NOW)
    with scopes.acting(place.approver):
        with pytest.raises(ValidationError, match="退回原因"):
            services.send_back(case_id=case.pk, version=case.version, reason="", now=NOW)
        case = services.send_back(case_id=case.pk, version=case.version, reason="缺医院证明", now=NOW)
    with scopes.acting(place.officer):
        case = services.propose_to_county(case_id=case.pk, version=case.version, helps=[cash("2400")], checked="已补证明", now=NOW)
    with scopes.acting(place.approver):
        done = services.refuse(case_id=case.pk, version=case.version, reason="已由保险全额赔付", now=NOW)
        assert done.state == "refused" and not Grant.objects.exists()
        assert list(ReliefStep.objects.filter(case=case).order_by("id").values_list("what", flat=True)) == [
            "opened", "proposed", "sent_back", "proposed", "refused",
        ]  # fmt: skip


def test_a_referral_alone_claims_nothing(place: Place) -> None:
    who = someone()
    case = place.opened(who)
    with scopes.acting(place.officer):
        with pytest.raises(ValidationError, match="转介给哪个"):
            services.grant_by_township(case_id=case.pk, version=case.version, helps=[Help("referral")], now=NOW)
        done = services.grant_by_township(case_id=case.pk, version=case.version, helps=[Help("referral", what="住房修缮", referred_to="县住建局")], now=NOW)
        assert (done.state, done.amount, ReliefClaim.objects.count()) == ("granted", 0, 0)
    assert place.granted(who).state == "granted"


def test_the_same_form_twice_is_one_case_and_an_old_page_is_told(place: Place) -> None:
    key, who = uuid4(), someone()
    first, second = place.opened(who, key=key), place.opened(who, key=key)
    assert first.pk == second.pk
    done = place.grant(first)
    with pytest.raises(services.Stale, match="已救助"):
        place.grant(first)
    with scopes.acting(place.officer), pytest.raises(services.Stale):
        services.withdraw(case_id=done.pk, version=done.version, reason="误登", now=NOW)


def test_a_grant_of_which_nothing_was_paid_can_be_taken_back_and_claimed_again(place: Place) -> None:
    who = someone()
    case = place.granted(who)
    with scopes.acting(place.officer):
        services.revoke(case_id=case.pk, version=case.version, reason="登记错人", now=NOW)
    again = place.granted(who)
    assert again.state == "granted"
    with scopes.acting(place.officer):
        grant = Grant.objects.get(cause=again.pk)
        reserves.pay_out(entitlement_id=grant.pk, means="cash", received_by="赵急难", relation="self", on=ON, now=NOW)
        with pytest.raises(ValidationError, match="不能作废"):
            services.revoke(case_id=again.pk, version=again.version, reason="反悔", now=NOW)
        assert ReliefCase.objects.get(pk=again.pk).state == "granted"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_on": ON + timedelta(days=1)}, "event_on"),
        ({"event_on": ON - timedelta(days=400)}, "event_on"),
        ({"area": "410123101"}, "area"),
        ({"area": "410122"}, "area"),
        ({"cause": "education"}, "cause"),
        ({"cause": "x"}, "cause"),
        ({"facts": "  "}, "facts"),
        ({"people": []}, "people"),
        ({"people": [Someone(name="赵", id_number="")]}, "name"),
        ({"people": [Someone(name="赵|急难")]}, "name"),
        ({"people": [Someone(name="赵急难", id_number="41012219750301001X0")]}, "id_number"),
        ({"people": [Someone(name="赵急难"), Someone(person_id=99999999)]}, "people"),
    ],
)
def test_malformed_input_names_its_field(place: Place, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        place.opened(*changes.pop("people", [someone()]), **changes)
    assert field in caught.value.message_dict


def test_the_same_person_twice_and_the_dead_are_refused(place: Place) -> None:
    number = id_number()
    with pytest.raises(ValidationError, match="填写了两次"):
        place.opened(someone(id_number=number), someone(id_number=number))
    with scopes.acting(place.reviewer):
        who = person(area=place.village)
        run("update registry_person set died_on = '2022-12-01' where id = %s", [who.pk])
    with pytest.raises(ValidationError, match="已登记死亡"):
        place.opened(Someone(person_id=who.pk))


def test_from_the_wrong_area_a_case_does_not_exist(place: Place) -> None:
    case = place.opened(someone())
    stranger = officer(Duty.TOWNSHIP_OFFICER, "410122102")
    with pytest.raises(ValidationError, match="不在您的管辖范围内"):
        place.grant(case, by=stranger)
    with scopes.acting(stranger):
        assert not ReliefCase.objects.exists()


def test_3_2_a_declared_emergency_widens_relief_first_and_the_townships_share(place: Place) -> None:
    with scopes.acting(place.reviewer):
        row = emergencies.declare_emergency(
            areas=[place.county], kind="epidemic", title="县疫情防控应急状态", starts=ON, ends=None, document="牟政〔2022〕8号", now=NOW
        )
    with scopes.acting(place.approver):
        emergencies.confirm_step(step_id=row.steps.get().pk, now=NOW)
    with scopes.acting(place.reviewer):
        setting = settings.propose_setting(parameter=rules.EMERGENCY_TIMES, area=place.county, starts=ON, value="1.5", document="牟政〔2022〕8号", now=NOW)
    with scopes.acting(place.approver):
        settings.confirm_setting(setting_id=setting.pk, now=NOW)
    with scopes.acting(place.officer):
        found = rules.ceilings(area=place.village, kind="expenditure", people=1, on=ON)
        assert found.emergency and found.township == found.county * Decimal("0.75")
        assert "1.5 倍" in rules.emergency_effect(row, ON)
    assert place.granted(someone(), kind="expenditure", cause="medical", amount=str(found.township)).emergency_id == row.pk


def test_times_after_midnight_belong_to_the_new_year(place: Place) -> None:
    """Two grants a year: 23:59 in China still counts for the old year, 0:01 for the new one."""
    who = someone()
    before, after = datetime(2022, 12, 31, 15, 59, tzinfo=UTC), datetime(2022, 12, 31, 16, 1, tzinfo=UTC)
    for cause in ("fire", "illness"):
        place.granted(who, cause=cause, amount="100", now=before, event_on=date(2022, 12, 31))
    case = place.opened(who, cause="traffic", now=before, event_on=date(2022, 12, 31))
    with scopes.acting(place.officer):
        assert case.times == 2
    third = place.grant(case, amount="100", now=before)
    assert (third.state, third.clash) == ("meeting", "times")
    assert place.granted(who, cause="accident", amount="100", now=after, event_on=date(2022, 12, 31)).state == "granted"


def test_3_2_figures_of_the_command_and_the_dashboard(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    place.granted(someone(), someone(), amount="700.50")
    place.granted(someone(), registered_place="江苏省南京市", amount="99.50")
    place.opened(someone())
    with scopes.acting(place.reviewer):
        found = queries.figures(area=place.county, on=ON)
        assert (found["cases"], found["granted"], found["amount"], found["people"]) == (3, 2, Decimal("800.00"), 3)
        assert (found["elsewhere"], found["relief_first"], found["late"], found["waiting"]) == (1, 2, 0, 1)
        assert queries.figures(area=place.county, on=date(2022, 12, 21))["late"] == 2
    assert "本年临时救助" in client_of(place.officer).get("/").content.decode()
