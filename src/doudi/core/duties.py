"""What each duty may do, and which acts must not be joined in one case: one table, enforced in services."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from doudi.core import scope as scopes
from doudi.core.models.staff import Duty

FINDERS: set[str] = {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.DISCOVERY_MEMBER, Duty.STATION_WORKER, Duty.HOTLINE_OPERATOR}
TOWNSHIP: set[str] = {Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR}
COUNTY: set[str] = {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.DATA_CHECKER, Duty.FEDERATION_REVIEWER}
MONEY: set[str] = {Duty.FINANCE_OFFICER, Duty.FUND_SUPERVISOR}

# Duties of machines: another system that calls the API, the worker, the public pages of one volunteer or of one organisation's contact. No posting has
# them; they may do what their scope names, nothing else.
API_CLIENT, WORKER, VOLUNTEER, ORGANISATION = "api_client", "worker", "volunteer", "organisation"
MACHINES = {API_CLIENT, WORKER, VOLUNTEER, ORGANISATION}

# act -> duties that may do it. The administrator sees no personal data, the auditor sees access records.
MAY: dict[str, set[str]] = {
    "registry.view": FINDERS | TOWNSHIP | COUNTY | {Duty.PROTECTION_WORKER, Duty.SUPERVISOR},
    "registry.edit": TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "registry.import": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "registry.reveal": TOWNSHIP | COUNTY | {Duty.FINANCE_OFFICER},
    "registry.move": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER},
    # the giving side lets a household go; when it does not, the levels above may
    "registry.release": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "registry.escalate_moves": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "discovery.deliver": {Duty.DATA_CHECKER, Duty.COUNTY_REVIEWER},
    "discovery.compare": {Duty.DATA_CHECKER, Duty.COUNTY_REVIEWER},
    "discovery.link": {Duty.DATA_CHECKER, Duty.COUNTY_REVIEWER, Duty.TOWNSHIP_OFFICER},
    "discovery.view": FINDERS | TOWNSHIP | COUNTY | {Duty.SUPERVISOR},
    "discovery.report": FINDERS | TOWNSHIP | COUNTY | {Duty.PROTECTION_WORKER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR, Duty.SUPERVISOR},
    "discovery.handle": FINDERS | TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "discovery.mine": {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.DISCOVERY_MEMBER, Duty.STATION_WORKER},
    "discovery.assign": TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "discovery.refer": TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "discovery.escalate": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "discovery.team": TOWNSHIP | {Duty.COUNTY_REVIEWER, Duty.STATION_WORKER},
    "discovery.roster": TOWNSHIP | COUNTY | {Duty.STATION_WORKER, Duty.SUPERVISOR},
    "discovery.timing": TOWNSHIP | COUNTY | {Duty.SUPERVISOR},
    "visits.view": TOWNSHIP | COUNTY | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.SUPERVISOR},
    "visits.mine": {Duty.VISITOR, Duty.CHILD_DIRECTOR},
    "visits.record": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "visits.manage": TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "visits.plan": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "visits.devices": {Duty.ADMINISTRATOR, Duty.TOWNSHIP_OFFICER},
    "visits.due": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "sweeps.view": TOWNSHIP | COUNTY | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.SUPERVISOR},
    "sweeps.mine": {Duty.VISITOR, Duty.CHILD_DIRECTOR},
    "sweeps.answer": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "sweeps.manage": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "sweeps.due": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "hotline.take": {Duty.HOTLINE_OPERATOR},
    "hotline.view": {Duty.HOTLINE_OPERATOR, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "hotline.manage": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "hotline.events": {Duty.HOTLINE_OPERATOR},
    "assessment.view": TOWNSHIP | COUNTY | {Duty.SUPERVISOR},
    "assessment.run": TOWNSHIP | {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.DATA_CHECKER},
    "assessment.whatif": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "enrolment.view": TOWNSHIP | COUNTY | {Duty.SUPERVISOR},
    "enrolment.propose": {Duty.TOWNSHIP_OFFICER},
    "enrolment.approve": {Duty.COUNTY_APPROVER},
    "enrolment.payee": {Duty.COUNTY_APPROVER, Duty.COUNTY_REVIEWER},
    # ending the cooling time of a changed account early: a third officer, at the county
    "enrolment.payee_lift": {Duty.COUNTY_APPROVER, Duty.COUNTY_REVIEWER},
    "enrolment.bank_rules": {Duty.COUNTY_REVIEWER, Duty.FINANCE_OFFICER},
    "enrolment.monitor": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "enrolment.raise": {Duty.COUNTY_REVIEWER},
    "enrolment.letters": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER},
    # the way of an application: who makes one, reads its course, and takes each step
    "enrolment.apply": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR},
    "enrolment.cases": TOWNSHIP | COUNTY | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.SUPERVISOR},
    "enrolment.accept": TOWNSHIP,
    "enrolment.check": {Duty.DATA_CHECKER},
    "enrolment.visit": TOWNSHIP,
    "enrolment.visit_county": {Duty.COUNTY_REVIEWER},
    "enrolment.publicise": TOWNSHIP,
    "enrolment.federation": {Duty.FEDERATION_REVIEWER},
    # where the county has delegated it: another officer of the township than the one who proposed
    "enrolment.confirm": {Duty.TOWNSHIP_OFFICER},
    # the county checks what townships confirmed; what is found wrong is opened again
    "enrolment.spot_check": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER},
    # second signature under what differs from the law's calculation
    "enrolment.sign": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER},
    "payments.view": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR} | MONEY,
    "payments.prepare": {Duty.COUNTY_REVIEWER},
    # above the county's limit the director signs (`payments.signing`)
    "payments.approve": {Duty.COUNTY_APPROVER, Duty.COUNTY_DIRECTOR},
    "payments.release": {Duty.FINANCE_OFFICER},
    "payments.book": {Duty.FINANCE_OFFICER},
    "payments.remind": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "payments.fund": {Duty.FINANCE_OFFICER},
    # which file goes to which bank, from when: the county's finance or its administrator proposes, another officer of the county confirms
    "payments.layouts": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR, Duty.ADMINISTRATOR} | MONEY,
    "payments.layouts_propose": {Duty.FINANCE_OFFICER, Duty.ADMINISTRATOR},
    "payments.layouts_confirm": {Duty.COUNTY_APPROVER, Duty.FINANCE_OFFICER},
    # money between places: by the city or the province; whatever moves money needs a second officer
    "payments.fund_above": {Duty.SUPERVISOR},
    "payments.fund_confirm": {Duty.FINANCE_OFFICER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "payments.purpose": {Duty.FINANCE_OFFICER, Duty.SUPERVISOR},
    "payments.purpose_confirm": {Duty.FINANCE_OFFICER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "payments.correct": {Duty.TOWNSHIP_OFFICER},
    # next year's budget: civil affairs prepares, finance checks, the county's approver submits, the level above decides
    "budget.view": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR} | MONEY,
    "budget.prepare": {Duty.COUNTY_REVIEWER},
    "budget.check": {Duty.FINANCE_OFFICER},
    "budget.submit": {Duty.COUNTY_APPROVER},
    "budget.decide": {Duty.SUPERVISOR},
    "payments.one_off_decide": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "payments.one_off_confirm": {Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "payments.one_off_list": {Duty.COUNTY_REVIEWER},
    "payments.one_off_approve": {Duty.COUNTY_APPROVER},
    "payments.one_off_view": TOWNSHIP | {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR} | MONEY,
    "payments.back_propose": {Duty.COUNTY_REVIEWER},
    "payments.back_approve": {Duty.COUNTY_APPROVER},
    "payments.back_view": TOWNSHIP | {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR} | MONEY,
    # whose account it is as the bank told it: who corrects it and who confirms that
    "payments.holder": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    # overpayments: the county's reviewer proposes, its approver confirms, finance books what comes back
    "payments.overpayments": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR} | MONEY,
    "payments.recover": {Duty.COUNTY_REVIEWER},
    "payments.recover_approve": {Duty.COUNTY_APPROVER},
    "payments.repay": {Duty.FINANCE_OFFICER},
    # telling somebody of their own payments, once they are identified
    "payments.tell": {Duty.HOTLINE_OPERATOR, Duty.TOWNSHIP_OFFICER},
    "payments.accounts": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.FINANCE_OFFICER},
    # the city or the province enters the month's price indices; each county proposes and approves its own subsidies
    "prices.view": TOWNSHIP | COUNTY | MONEY | {Duty.SUPERVISOR},
    "prices.enter": {Duty.SUPERVISOR},
    "prices.confirm": {Duty.SUPERVISOR},
    "prices.propose": {Duty.COUNTY_REVIEWER},
    "prices.approve": {Duty.COUNTY_APPROVER},
    # whoever meets people takes a complaint down; the county assigns; who handles it does not close it
    "complaints.view": TOWNSHIP | COUNTY | {Duty.SUPERVISOR},
    "complaints.open": TOWNSHIP | COUNTY | {Duty.HOTLINE_OPERATOR, Duty.STATION_WORKER, Duty.SUPERVISOR},
    "complaints.assign": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "complaints.handle": {Duty.TOWNSHIP_OFFICER, Duty.CHILD_SUPERVISOR, Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "complaints.approve": {Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "complaints.escalate": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    # a township's reserve: the township pays out, the county's finance hands over money and settles
    "payments.reserve": {Duty.TOWNSHIP_OFFICER},
    "payments.reserve_view": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR} | MONEY,
    # counting a month is the system's own work, by rule and by command
    "reports.count": {Duty.SUPERVISOR},
    "reports.view": TOWNSHIP | COUNTY | MONEY | {Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR},
    # the board shows each duty the figures of the lists that it may open
    "reports.board": set(Duty),
    # the file for the national platform holds numbers in full: the county's reviewer sends its county, supervisors their city or the province
    "reports.national": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "reports.faults": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "payments.returns": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR} | MONEY,
    "relief.view": TOWNSHIP | COUNTY | {Duty.SUPERVISOR},
    "relief.apply": {Duty.TOWNSHIP_OFFICER, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER},
    "relief.grant": {Duty.TOWNSHIP_OFFICER},
    "relief.propose": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "relief.meeting": {Duty.COUNTY_REVIEWER},
    "relief.notice": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER},
    "relief.approve": {Duty.COUNTY_APPROVER},
    "relief.remind": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "vagrants.view": {Duty.INSTITUTION_CLERK, Duty.SUPERVISOR} | COUNTY,
    "vagrants.record": {Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER},
    "vagrants.extend": {Duty.COUNTY_APPROVER},
    "tekun.care": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "tekun.funeral": {Duty.TOWNSHIP_OFFICER},
    "tekun.funeral_approve": {Duty.COUNTY_APPROVER},
    # minors: whoever meets people reports; who works on cases sees those given to them, supervisors those of their place (the database holds it)
    "protection.report": FINDERS | TOWNSHIP | COUNTY | {Duty.PROTECTION_WORKER, Duty.INSTITUTION_CLERK},
    "protection.view": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "protection.handle": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "protection.assign": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.COUNTY_APPROVER},
    "protection.close": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.COUNTY_APPROVER},
    # what came through the public page and belongs to no case yet
    "protection.reports": {Duty.PROTECTION_WORKER, Duty.COUNTY_APPROVER},
    "protection.clocks": {Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    # living care begins at once where the child is; guardianship is the county's, by two officers
    "protection.care": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.CHILD_DIRECTOR},
    "protection.care_view": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.CHILD_DIRECTOR, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "protection.guardianship_propose": {Duty.PROTECTION_WORKER},
    "protection.guardianship_decide": {Duty.COUNTY_APPROVER},
    "protection.claim_paid": {Duty.COUNTY_APPROVER},
    "protection.refer": {Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR},
    "protection.receive": {
        Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR,
    },
    "protection.referrals": {
        Duty.PROTECTION_WORKER, Duty.CHILD_SUPERVISOR, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR,
        Duty.COUNTY_APPROVER, Duty.SUPERVISOR,
    },
    # institutions: the clerk keeps the own house (the database holds it), the county registers and decides, supervisors look and escalate
    "institutions.view": {Duty.INSTITUTION_CLERK, Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "institutions.oversee": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "institutions.manage": {Duty.COUNTY_REVIEWER},
    "institutions.keep": {Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER},
    "institutions.report": {Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER},
    "institutions.visits": {Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER},
    "institutions.mine": {Duty.INSTITUTION_CLERK},
    "institutions.remind": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "institutions.items": {Duty.SUPERVISOR},
    # the community's people: the village knows them, the township answers for contacts and cards; `derive` and `ask` are the machine's
    "community.view": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "community.members": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "community.groups": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "community.contacts": TOWNSHIP | {Duty.VISITOR, Duty.STATION_WORKER},
    "community.mine": TOWNSHIP | FINDERS - {Duty.HOTLINE_OPERATOR},
    "community.cards": TOWNSHIP | {Duty.VISITOR, Duty.STATION_WORKER},
    "community.services": {Duty.TOWNSHIP_OFFICER, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER},
    "community.derive": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "community.ask": set(),
    # a village's service plan: written there, approved and put to work above it; who works its lists ticks
    "plans.view": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "plans.write": {Duty.VISITOR, Duty.STATION_WORKER, Duty.TOWNSHIP_OFFICER},
    "plans.approve": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "plans.activate": {Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "plans.work": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "plans.clocks": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    # counselling: many may ask and see what became of their own asking; what was said the counsellor and the supervisor read (the database holds it)
    "counselling.list": TOWNSHIP
    | {
        Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.PROTECTION_WORKER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR,
    },
    "counselling.ask": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.PROTECTION_WORKER},
    "counselling.view": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.PROTECTION_WORKER, Duty.COUNTY_APPROVER},
    "counselling.book": TOWNSHIP | {Duty.STATION_WORKER},
    "counselling.numbers": TOWNSHIP | {Duty.STATION_WORKER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    # needs: whoever meets people raises one; the place's officers give them out; contacts only to whoever answers (the database holds it)
    "needs.view": FINDERS | TOWNSHIP | {
        Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.PROTECTION_WORKER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR, Duty.SUPERVISOR
    },
    "needs.raise": FINDERS | TOWNSHIP | {Duty.COUNTY_REVIEWER, Duty.PROTECTION_WORKER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR},
    "needs.answer": FINDERS | TOWNSHIP | {Duty.COUNTY_REVIEWER, Duty.PROTECTION_WORKER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR},
    "needs.manage": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER},
    "needs.contact": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "needs.mine": {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.DISCOVERY_MEMBER, Duty.STATION_WORKER},
    "needs.clocks": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    # the needs board: coordinators and the place's officers publish and ask; `ask` and `self`: the machine, and a volunteer's own page
    "board.view": TOWNSHIP | {Duty.VISITOR, Duty.STATION_WORKER, Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "board.publish": TOWNSHIP | {Duty.STATION_WORKER, Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "board.offer": TOWNSHIP | {Duty.STATION_WORKER, Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "board.call": {Duty.TOWNSHIP_OFFICER, Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "board.ask": set(),
    "board.self": set(),
    # purchased services (8.2): contract and approval, record and confirmation, acceptance and settlement are each of two officers; `answer` is the recipient's phone
    "purchases.view": TOWNSHIP | MONEY | {
        Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR
    },
    "purchases.contracts": MONEY | {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "purchases.contract": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "purchases.approve": {Duty.COUNTY_APPROVER},
    "purchases.record": {Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER},
    "purchases.confirm": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER},
    "purchases.accept": {Duty.COUNTY_REVIEWER},
    "purchases.check": TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "purchases.settle": {Duty.FINANCE_OFFICER, Duty.COUNTY_APPROVER},
    "purchases.answer": set(),
    # the register of resources: whoever meets people looks, the place keeps its own
    "resources.view": FINDERS | TOWNSHIP | {
        Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.PROTECTION_WORKER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR, Duty.SUPERVISOR
    },
    "resources.manage": TOWNSHIP | {Duty.STATION_WORKER, Duty.COUNTY_REVIEWER, Duty.VOLUNTEER_COORDINATOR},
    "resources.remind": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    # donations: money is received and paid by finance, goods by the coordinator; who allocates does not confirm the arrival
    "donations.view": MONEY | {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "donations.goods": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "donations.money": {Duty.FINANCE_OFFICER},
    "donations.allocate": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "donations.send": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "donations.pay": {Duty.FINANCE_OFFICER},
    "donations.arrivals": TOWNSHIP | {
        Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.INSTITUTION_CLERK, Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER, Duty.SUPERVISOR
    },
    "donations.receive": TOWNSHIP | {Duty.VISITOR, Duty.CHILD_DIRECTOR, Duty.STATION_WORKER, Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER},
    # the task group (6.2): who runs it, who sits in it; requests of institutions (6.3), each delivery confirmed by another than who sent it
    "group.view": {Duty.GROUP_MEMBER, Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR},
    "group.manage": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "group.act": {Duty.GROUP_MEMBER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR},
    "requests.view": {
        Duty.INSTITUTION_CLERK, Duty.GROUP_MEMBER, Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR,
    },
    "requests.raise": {Duty.INSTITUTION_CLERK, Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER},
    "requests.assign": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "requests.handle": {Duty.GROUP_MEMBER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "requests.receive": {Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER},
    "requests.escalate": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    # residents transferred: the side that they leave plans, both ends confirm, each its own
    "transfers.view": {Duty.INSTITUTION_CLERK, Duty.GROUP_MEMBER, Duty.TOWNSHIP_OFFICER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "transfers.plan": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "transfers.confirm": {Duty.INSTITUTION_CLERK, Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    # organisations and volunteers: the county keeps the register, another officer checks; `self`, `host`, `join`, `look`: their own public pages
    "volunteering.view": TOWNSHIP | {Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER, Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    "volunteering.organisations": {Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER},
    "volunteering.check": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "volunteering.blacklist": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "volunteering.people": {Duty.TOWNSHIP_OFFICER, Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER, Duty.COUNTY_REVIEWER},
    "volunteering.volunteers": {Duty.TOWNSHIP_OFFICER, Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER},
    "volunteering.activities": {Duty.TOWNSHIP_OFFICER, Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER},
    "volunteering.hours": {Duty.TOWNSHIP_OFFICER, Duty.VOLUNTEER_COORDINATOR, Duty.STATION_WORKER},
    "volunteering.export": {Duty.VOLUNTEER_COORDINATOR, Duty.COUNTY_REVIEWER},
    "volunteering.clocks": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "volunteering.self": set(),
    "volunteering.host": set(),
    "volunteering.join": set(),
    "volunteering.look": set(),
    "settings.view": TOWNSHIP | COUNTY | MONEY | {Duty.COUNTY_DIRECTOR, Duty.SUPERVISOR},
    "settings.propose": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "settings.confirm": {Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    # a county, city or the province declares; everybody whose area it touches reads
    "emergencies.view": set(Duty),
    "emergencies.declare": {Duty.COUNTY_REVIEWER, Duty.SUPERVISOR},
    "emergencies.confirm": {Duty.COUNTY_APPROVER, Duty.SUPERVISOR},
    # who sends what, and what failed: without the text
    "messages.manage": {Duty.ADMINISTRATOR},
    "messages.optout": FINDERS | TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "staff.manage": {Duty.ADMINISTRATOR},
    # the public pages: what they may do, as a machine in one place; and who takes over what citizens sent
    "portal.send": set(),
    "portal.read": set(),
    "portal.receive": TOWNSHIP,
    "api.manage": {Duty.ADMINISTRATOR},
    "spdci.answer": set(),  # a client of the social registry interface alone
    "spdci.consent": TOWNSHIP | {Duty.COUNTY_REVIEWER},
    "audit.view": {Duty.AUDITOR},
    "tasks.watch": {Duty.ADMINISTRATOR},
    "records.forget": {Duty.ADMINISTRATOR},
    "tasks.view": TOWNSHIP | COUNTY | MONEY | {Duty.SUPERVISOR},
}

# (first act, second act): in one case the officer who did the first may not do the second.
APART: tuple[tuple[str, str], ...] = (
    ("enrolment.propose", "enrolment.approve"),
    ("enrolment.propose", "enrolment.confirm"),
    ("enrolment.propose", "enrolment.sign"),
    ("enrolment.sign", "enrolment.approve"),
    ("enrolment.sign", "enrolment.confirm"),
    ("enrolment.propose", "enrolment.payee"),
    ("enrolment.propose", "enrolment.payee_lift"),
    ("enrolment.payee", "enrolment.payee_lift"),
    ("enrolment.propose", "enrolment.spot_check"),
    ("enrolment.sign", "enrolment.spot_check"),
    ("enrolment.confirm", "enrolment.spot_check"),
    ("enrolment.raise", "enrolment.approve"),
    ("payments.prepare", "payments.approve"),
    ("payments.prepare", "payments.release"),
    ("payments.approve", "payments.release"),
    ("payments.correct", "payments.prepare"),
    ("payments.layouts_propose", "payments.layouts_confirm"),
    ("payments.back_propose", "payments.back_approve"),
    ("payments.one_off_decide", "payments.one_off_confirm"),
    ("payments.one_off_list", "payments.one_off_approve"),
    ("payments.fund", "payments.fund_confirm"),
    ("payments.fund_above", "payments.fund_confirm"),
    ("payments.purpose", "payments.purpose_confirm"),
    ("payments.recover", "payments.recover_approve"),
    ("payments.reserve", "payments.fund"),
    ("budget.prepare", "budget.check"),
    ("budget.prepare", "budget.submit"),
    ("budget.check", "budget.submit"),
    ("budget.submit", "budget.decide"),
    ("relief.propose", "relief.approve"),
    ("relief.meeting", "relief.approve"),
    ("tekun.funeral", "tekun.funeral_approve"),
    ("settings.propose", "settings.confirm"),
    ("prices.enter", "prices.confirm"),
    ("prices.propose", "prices.approve"),
    ("complaints.handle", "complaints.approve"),
    ("protection.guardianship_propose", "protection.guardianship_decide"),
    ("protection.care", "protection.claim_paid"),
    ("emergencies.declare", "emergencies.confirm"),
    ("requests.handle", "requests.receive"),
    ("plans.write", "plans.approve"),
    ("volunteering.organisations", "volunteering.check"),
    ("purchases.contract", "purchases.approve"),
    ("purchases.record", "purchases.confirm"),
    ("purchases.record", "purchases.accept"),
    ("purchases.record", "purchases.check"),
    ("purchases.accept", "purchases.settle"),
    ("donations.allocate", "donations.pay"),
    ("donations.allocate", "donations.receive"),
)


def _holds(acting: scopes.Scope, act: str) -> bool:
    return acting.duty in MAY[act] or (acting.duty in MACHINES and act in acting.acts)


def may(act: str, *, scope: scopes.Scope | None = None) -> bool:
    """Whether the acting duty may do `act`. Unknown acts raise KeyError: a misspelt act must not pass."""
    acting = scope or scopes.current_or_none()
    return acting is not None and _holds(acting, act)


def require(act: str) -> scopes.Scope:
    """The acting scope, if its duty may do `act`; raises PermissionDenied otherwise. Every service begins with it."""
    acting = scopes.current()
    if not _holds(acting, act):
        raise PermissionDenied(_("您的岗位不能办理这项业务。"))
    return acting


def require_apart(act: str, *, done: dict[str, int | None]) -> None:
    """Refuse `act` where the acting officer did an act that must stand apart from it. `done`: act -> account id."""
    acting = scopes.current()
    for first, second in APART:
        other = {first: second, second: first}.get(act)
        if other and done.get(other) == acting.account_id:
            raise PermissionDenied(_("这一环节须由另一名工作人员办理：您已办理过本件的其他环节。"))
