"""Measure 5.3: temporary living care, temporary guardianship, hand-overs, gaps, and what keeps a child out of two of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction

from doudi.batch.idnumber import check_character
from doudi.core import scope as scopes
from doudi.core.duties import WORKER
from doudi.core.models import Duty, Setting, Todo
from doudi.core.tests.officers import officer
from doudi.core.tests.together import as_, together
from doudi.protection import services
from doudi.protection.models import Care, CaseEvent, CaseGap, HandOver, ProtectionCase
from doudi.protection.services import Minor
from doudi.protection.services.care_base import add_months, adult_on
from doudi.protection.tests.care_world import DAY, ELSEWHERE, GUARDIANSHIP, HOUR, CareOffice, arranged, fresh, handed
from doudi.protection.tests.world import NOW, VILLAGE

pytestmark = pytest.mark.django_db
CLOCK = scopes.Scope(area="41", duty=WORKER, page="test", acts=frozenset({"protection.clocks"}))


def kinds() -> set[str]:
    with scopes.acting(scopes.Scope(area="41")):
        return set(Todo.objects.filter(done_at__isnull=True, kind__startswith="care_").values_list("kind", flat=True))


def test_5_3_living_care_begins_at_once_and_ends_the_gap() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    care = office.living(row, now=NOW + 5 * HOUR, starts=NOW + 4 * HOUR)
    with scopes.acting(office.worker):
        assert (care.state, care.latest_end, fresh(row).unattended_from) == ("active", date(2022, 12, 24), None)
        again = services.begin_living_care(case_id=row.pk, version=0, uuid=care.uuid, given=arranged(), starts=NOW, now=NOW)
        assert again.pk == care.pk and "care_hand_over" in kinds()


def test_5_3_a_child_director_begins_care_in_a_case_that_still_waits() -> None:
    office = CareOffice()
    row = office.opened(by=office.director, unattended=True)
    with scopes.acting(office.director):
        assert services.begin_living_care(case_id=row.pk, version=1, uuid=uuid4(), given=arranged(), starts=NOW, now=NOW).area == VILLAGE
    with scopes.acting(office.visitor), pytest.raises(PermissionDenied):
        services.begin_living_care(case_id=row.pk, version=2, uuid=uuid4(), given=arranged(), starts=NOW, now=NOW)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"basis": "minors_92_3"}, "basis"), ({"situation": "无"}, "situation"), ({"contact": ""}, "contact"), ({"consent_note": ""}, "consent_note"),
        ({"expected_end": date(2022, 12, 25)}, "expected_end"), ({"expected_end": date(2022, 11, 23)}, "expected_end"), ({"way": "x"}, "way"),
    ],
)  # fmt: skip
def test_5_3_what_is_missing_is_named(words: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        CareOffice().living(**words)
    assert field in raised.value.error_dict


def test_5_3_living_care_becomes_guardianship_decided_by_another() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    living = office.sheeted(office.living(row))
    care = office.proposed(row, NOW + DAY)
    assert (care.state, care.body, care.follows_id) == ("proposed", "中牟县民政局", living.pk)
    with pytest.raises(ValidationError, match="待决定"):
        office.proposed(row, NOW + DAY)
    with scopes.acting(office.worker), pytest.raises(PermissionDenied):
        services.decide_guardianship(care_id=care.pk, version=1, agreed=True, document="x", note="", now=NOW + DAY)
    same = scopes.Scope(area=office.approver.area, account_id=office.worker.account_id, duty=Duty.COUNTY_APPROVER)
    with scopes.acting(same), pytest.raises(PermissionDenied, match="另一名"):
        services.decide_guardianship(care_id=care.pk, version=1, agreed=True, document="牟民未保〔2022〕12号", note="", now=NOW + DAY)
    with scopes.acting(office.approver):
        with pytest.raises(ValidationError, match="文号"):
            services.decide_guardianship(care_id=care.pk, version=1, agreed=True, document="", note="", now=NOW + DAY)
        services.decide_guardianship(care_id=care.pk, version=1, agreed=True, document="牟民未保〔2022〕12号", note="同意", now=NOW + 2 * DAY)
        living.refresh_from_db()
        care.refresh_from_db()
        assert (living.state, living.outcome, living.ended_at) == ("ended", "guardianship", care.starts)
        assert care.latest_end == date(2023, 11, 26)
        with pytest.raises(ValidationError, match="刷新"):
            services.decide_guardianship(care_id=care.pk, version=1, agreed=True, document="牟民未保〔2022〕12号", note="同意", now=NOW + 2 * DAY)


def test_5_3_a_refused_proposal_leaves_the_child_where_it_is() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    living, care = office.living(row), office.proposed(row)
    with scopes.acting(office.approver):
        services.decide_guardianship(care_id=care.pk, version=1, agreed=False, document="", note="父亲明日解除隔离", now=NOW)
        assert set(Care.objects.filter(case=row).values_list("pk", "state")) == {(living.pk, "active"), (care.pk, "refused")}
        with pytest.raises(DatabaseError), transaction.atomic():
            Care.objects.filter(pk=care.pk).update(state="active")
    again = office.proposed(row)
    with scopes.acting(office.worker):
        services.withdraw_guardianship(care_id=again.pk, version=1, reason="父亲已返家", now=NOW)
    assert "care_decide" not in kinds()


def test_5_3_no_hand_over_without_belongings_health_papers_and_signatures() -> None:
    office = CareOffice()
    care = office.living()
    uuid = uuid4()
    with scopes.acting(office.worker):
        for words, field in (
            ({"belongings": " "}, "belongings"), ({"health": ""}, "health"), ({"documents": ""}, "documents"), ({"taken_signed": False}, "taken_signed"),
            ({"witness": ""}, "witness"), ({"at": NOW + HOUR}, "handed_at"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as raised:
                services.hand_over(care_id=care.pk, version=1, uuid=uuid, given=handed(**words), now=NOW)
            assert field in raised.value.error_dict
        first = services.hand_over(care_id=care.pk, version=1, uuid=uuid, given=handed(belongings="无"), now=NOW)
        assert services.hand_over(care_id=care.pk, version=1, uuid=uuid, given=handed(), now=NOW).pk == first.pk
        with pytest.raises(ValidationError, match="已有记录"):
            services.hand_over(care_id=care.pk, version=1, uuid=uuid4(), given=handed(), now=NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            HandOver.objects.filter(pk=first.pk).update(health="x")
    assert "care_hand_over" not in kinds()


def test_5_3_a_child_goes_back_with_its_things_after_a_review() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    office.living(row)
    care = office.guarded(row, NOW + DAY)
    end: dict[str, Any] = {"care_id": care.pk, "uuid": uuid4(), "outcome": "parents", "note": "父亲解除隔离", "now": NOW + 3 * DAY}
    with scopes.acting(office.worker):
        with pytest.raises(ValidationError, match="可以送回"):
            services.end_care(**end, version=2, given=handed(NOW + 3 * DAY))
        services.review_care(care_id=care.pk, version=2, verdict="return", note="父亲已解除隔离，身体恢复", now=NOW + 2 * DAY)
        with pytest.raises(ValidationError, match="补填"):
            services.end_care(**end, version=3, given=handed(NOW + 3 * DAY))
        services.hand_over(care_id=care.pk, version=3, uuid=uuid4(), given=handed(NOW + DAY), now=NOW + DAY)
        with pytest.raises(ValidationError) as raised:
            services.end_care(**end, version=3, given=handed(NOW + 3 * DAY, belongings=""))
        assert "belongings" in raised.value.error_dict
        done = services.end_care(**end, version=3, given=handed(NOW + 3 * DAY))
        assert services.end_care(**end, version=3, given=handed(NOW + 3 * DAY)).pk == done.pk
        assert (done.state, done.outcome, fresh(row).unattended_from) == ("ended", "parents", None)
        assert kinds() == set()
        said = set(CaseEvent.objects.filter(case=row).values_list("what", flat=True))
        assert said >= {"care_began", "guardian_proposed", "guardian_began", "care_reviewed", "handed_over", "care_ended"}


def test_5_3_care_that_breaks_off_opens_a_gap_that_is_told_upwards_by_the_hour() -> None:
    office = CareOffice()
    care = office.living()
    with scopes.acting(office.worker):
        services.end_care(care_id=care.pk, version=1, uuid=uuid4(), outcome="broken", note="照料人发热", given=None, now=NOW + DAY)
        row = ProtectionCase.objects.get()
        assert row.unattended_from == NOW + DAY
    for hours, expected in ((1, {"care_gap"}), (2, {"care_gap", "care_gap_county"}), (13, {"care_gap", "care_gap_county", "care_gap_city"})):
        with scopes.acting(CLOCK):
            services.escalate_gaps(now=NOW + DAY + hours * HOUR)
        assert kinds() >= expected and len(kinds() & {"care_gap", "care_gap_county", "care_gap_city"}) == len(expected)
    with scopes.acting(CLOCK):
        assert services.escalate_gaps(now=NOW + DAY + 13 * HOUR) == 0
    with scopes.acting(office.worker):
        services.begin_living_care(
            case_id=row.pk, version=row.version, uuid=uuid4(), given=arranged(carer="奶奶"), starts=NOW + DAY + 14 * HOUR, now=NOW + DAY + 14 * HOUR
        )  # fmt: skip
    assert not kinds() & {"care_gap", "care_gap_county", "care_gap_city"}
    with scopes.acting(office.worker):
        gaps = list(CaseGap.objects.filter(case=row, kind="alone").order_by("starts").values_list("starts", "ends"))
        assert gaps == [(NOW, NOW), (NOW + DAY, NOW + DAY + 14 * HOUR)]


def test_5_3_guardianship_does_not_end_because_a_carer_is_gone() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    care = office.sheeted(office.guarded(row))
    with scopes.acting(office.worker):
        assert not CaseGap.objects.filter(ends__isnull=True).exists()  # neither without care nor without a guardian
        with pytest.raises(ValidationError, match="变更照料人"):
            services.end_care(care_id=care.pk, version=care.version, uuid=uuid4(), outcome="broken", note="姑姑发热", given=None, now=NOW + DAY)
        services.begin_gap(case_id=row.pk, version=fresh(row).version, kind="alone", at=NOW + DAY, reason="姑姑发热", now=NOW + DAY)
        words = {"way": "institution", "carer": "县儿童福利院", "relation": "", "contact": "0371-62000000", "reason": "姑姑发热"}
        services.change_carer(care_id=care.pk, version=care.version, uuid=uuid4(), given=handed(NOW + 2 * DAY), now=NOW + 2 * DAY, **words)
        assert fresh(row).unattended_from is None and not CaseGap.objects.filter(ends__isnull=True).exists()


def test_5_3_no_case_is_closed_over_a_child_in_care() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    office.living(row)
    with scopes.acting(office.worker), pytest.raises(DatabaseError, match="with care"), transaction.atomic():
        ProtectionCase.objects.filter(pk=row.pk).update(state="closed", close_reason="solved", closed_by=office.worker.account_id)


def test_5_3_one_child_is_never_in_two_cares_in_the_whole_province(owner_connection: Any) -> None:
    """Another county, another case of the same child after the first was closed: days that overlap are refused, in words that do not say where."""
    office = CareOffice()
    number = "41012220120501123" + check_character("41012220120501123")
    row = office.taken(minor=Minor(name="郭小阳", id_number=number), unattended=True)
    care = office.sheeted(office.living(row))
    with scopes.acting(office.worker):
        services.end_care(
            care_id=care.pk, version=care.version, uuid=uuid4(), outcome="parents", note="父亲回家", given=handed(NOW + 2 * DAY), now=NOW + 2 * DAY
        )
        ProtectionCase.objects.filter(pk=row.pk).update(state="closed", close_reason="solved", closed_by=office.worker.account_id)
    finder = officer(Duty.VISITOR, ELSEWHERE)
    with scopes.acting(finder):
        other = services.open_case(
            uuid=uuid4(), minor=Minor(name="郭某", birth_date=date(2012, 5, 1)), category="gap", source="visit", urgency="red", reported="街上独自一人", area=ELSEWHERE,
            now=NOW + DAY,
        )  # fmt: skip
    with scopes.acting(office.there):
        services.take(case_id=other.pk, version=1, now=NOW + DAY)
        services.begin_living_care(case_id=other.pk, version=2, uuid=uuid4(), given=arranged(), starts=NOW + DAY, now=NOW + DAY)
        # it becomes known who it is
        with pytest.raises(IntegrityError, match="never_two_cares"), transaction.atomic():
            ProtectionCase.objects.filter(pk=other.pk).update(token=row.token)
        Care.objects.filter(case=other).update(state="ended", outcome="broken", ended_at=NOW + DAY)
        ProtectionCase.objects.filter(pk=other.pk).update(token=row.token)
        with pytest.raises(ValidationError, match="不能同时安排两处") as raised:
            services.begin_living_care(case_id=other.pk, version=3, uuid=uuid4(), given=arranged(), starts=NOW + DAY + HOUR, now=NOW + 3 * DAY)
        assert "中牟" not in raised.value.messages[0]
        assert services.begin_living_care(case_id=other.pk, version=3, uuid=uuid4(), given=arranged(), starts=NOW + 2 * DAY, now=NOW + 3 * DAY)


def test_5_3_of_two_officers_at_once_one_is_told(committed_db: None) -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    version = row.version
    begin = [as_(who, services.begin_living_care, case_id=row.pk, version=version, uuid=uuid4(), given=arranged(), starts=NOW, now=NOW)
             for who in (office.worker, office.supervisor)]  # fmt: skip
    made, told = together(*begin)
    assert (len(made), len(told)) == (1, 1) and "他人" in told[0]
    care = office.proposed(row)
    decide: dict[str, Any] = {"care_id": care.pk, "version": 1, "agreed": True, "document": "牟民未保〔2022〕12号", "note": "", "now": NOW}
    made, told = together(*(as_(who, services.decide_guardianship, **decide) for who in (office.approver, officer(Duty.COUNTY_APPROVER))))
    assert (len(made), len(told)) == (1, 1) and "刷新" in told[0]
    with scopes.acting(office.approver):
        assert Care.objects.filter(case=row, state="active").count() == 1


@pytest.mark.parametrize(("start", "months", "end"), [
    (date(2024, 2, 29), 12, date(2025, 2, 28)), (date(2023, 2, 28), 12, date(2024, 2, 28)), (date(2022, 1, 31), 1, date(2022, 2, 28)), (date(2022, 12, 1), 1, date(2023, 1, 1)),
])  # fmt: skip
def test_5_3_a_year_after_a_leap_day(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


def test_5_3_guardianship_does_not_go_beyond_the_eighteenth_birthday_and_says_so_before() -> None:
    office = CareOffice()
    born = date(2005, 2, 28)
    assert (adult_on(born), adult_on(date(2004, 2, 29)), adult_on(date(2012, 2, 29))) == (date(2023, 2, 28), date(2022, 3, 1), date(2030, 3, 1))
    row = office.taken(minor=Minor(name="赵㛃", birth_date=born))
    with pytest.raises(ValidationError, match="2023-02-28"):
        office.proposed(row, expected_end=date(2023, 3, 1))
    care = office.guarded(row, expected_end=date(2023, 2, 28))
    assert care.latest_end == born.replace(year=2023)
    birthday = datetime(2023, 2, 28, 1, tzinfo=UTC)
    with scopes.acting(CLOCK):
        assert services.watch_care(area="410122", on=date(2022, 12, 29), now=birthday - 61 * DAY)["grown"] == 0
        assert services.watch_care(area="410122", on=date(2022, 12, 30), now=birthday - 60 * DAY)["grown"] == 1
        services.watch_care(area="410122", on=date(2023, 3, 1), now=birthday + DAY)
    assert {"care_adult", "care_end", "care_over", "care_review", "care_hand_over"} <= kinds()
    office.sheeted(care, birthday)
    with scopes.acting(office.worker):
        version = Care.objects.get(pk=care.pk).version
        end: dict[str, Any] = {"care_id": care.pk, "version": version, "uuid": uuid4(), "outcome": "adult", "note": "年满十八周岁"}
        with pytest.raises(ValidationError, match="尚未满"):
            services.end_care(**end, given=handed(birthday - DAY), now=birthday - DAY)
        services.end_care(**end, given=handed(birthday), now=birthday)
        with pytest.raises(ValidationError, match="已满十八周岁"):
            services.begin_living_care(case_id=row.pk, version=fresh(row).version, uuid=uuid4(), given=arranged(), starts=birthday, now=birthday)
    assert "care_adult" not in kinds()


def test_5_3_beyond_the_latest_end_only_the_county_extends() -> None:
    office = CareOffice()
    care = office.living()
    until = care.latest_end + timedelta(days=5)
    with scopes.acting(office.worker):
        services.extend_care(care_id=care.pk, version=1, until=care.latest_end, reason="父亲延长隔离", now=NOW)
        with pytest.raises(ValidationError, match="县级审批人"):
            services.extend_care(care_id=care.pk, version=2, until=until, reason="父亲延长隔离", now=NOW)
    with scopes.acting(office.approver):
        assert services.extend_care(care_id=care.pk, version=2, until=until, reason="父亲延长隔离", now=NOW).latest_end == until


def test_5_3_another_carer_takes_over_with_a_sheet() -> None:
    office = CareOffice()
    care = office.sheeted(office.living())
    words = {"way": "relative", "carer": "郭兰", "relation": "姑姑", "contact": "13900002046 照镜镇", "reason": "村干部需值守"}
    with scopes.acting(office.worker):
        uuid = uuid4()
        changed = services.change_carer(care_id=care.pk, version=care.version, uuid=uuid, given=handed(NOW), now=NOW, **words)
        assert (changed.carer, changed.hand_overs.count()) == ("郭兰", 2)
        assert services.change_carer(care_id=care.pk, version=care.version, uuid=uuid, given=handed(NOW), now=NOW, **words).version == changed.version


def test_5_3_the_allowance_is_what_each_day_had_set_and_no_day_twice() -> None:
    office = CareOffice()
    care = office.living()
    with scopes.acting(office.worker), pytest.raises(ValidationError, match="没有设定"):
        services.claim_allowance(care_id=care.pk, version=1, starts=date(2022, 11, 24), ends=date(2022, 11, 26), payee="郭小兰", now=NOW + 5 * DAY)
    with scopes.acting(scopes.Scope(area="41")):
        first = officer(Duty.SUPERVISOR, "41")
        for day, value in ((date(2022, 1, 1), "50"), (date(2022, 11, 26), "60.50")):
            Setting.objects.create(
                parameter="procedure.protection.allowance.living", area="410122", starts=day, value=value, document="示例", state="confirmed",
                proposed_by_id=first.account_id, proposed_at=NOW, decided_by_id=office.approver.account_id, decided_at=NOW,
            )  # fmt: skip
    with scopes.acting(office.worker):
        claim: dict[str, Any] = {"care_id": care.pk, "version": 1, "payee": "郭小兰", "now": NOW + 5 * DAY}
        made = services.claim_allowance(**claim, starts=date(2022, 11, 24), ends=date(2022, 11, 27))
        assert made.amount == Decimal("221.00")
        for starts, ends in (
            (date(2022, 11, 27), date(2022, 11, 28)),
            (date(2022, 11, 23), date(2022, 11, 23)),
            (date(2022, 11, 28), date(2022, 12, 1)),
        ):
            with pytest.raises(ValidationError):
                services.claim_allowance(**claim, starts=starts, ends=ends)
        assert services.claim_allowance(**claim, starts=date(2022, 11, 28), ends=date(2022, 11, 29)).amount == Decimal("121.00")


def test_5_3_care_is_hidden_with_its_case() -> None:
    office = CareOffice()
    care = office.sheeted(office.living())
    for scope in (office.other, office.there, officer(Duty.COUNTY_REVIEWER)):
        with scopes.acting(scope):
            assert not Care.objects.exists() and not HandOver.objects.exists()
    with scopes.acting(office.other), pytest.raises(ValidationError, match="不由您办理"):
        services.end_care(care_id=care.pk, version=care.version, uuid=uuid4(), outcome="broken", note="x", given=None, now=NOW)
    with scopes.acting(office.worker):
        for change in ("state = 'proposed'", "starts = starts - interval '1 day'", "document = 'x'", "kind = 'guardianship'"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"update protection_care set {change}")
        given = {**GUARDIANSHIP, "kind": "guardianship", "state": "active"}
        with pytest.raises(DatabaseError, match="begins at once"), transaction.atomic():
            Care.objects.create(case_id=care.case_id, area=care.area, uuid=uuid4(), starts=NOW, latest_end=date(2023, 1, 1), situation="x", contact="x",
                                reason="other", body="x", consent="law", proposed_at=NOW, **given)  # fmt: skip
