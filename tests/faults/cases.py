"""Every long task, daily job and command that writes, by the names of the tests beside.

`tests/test_structure.py` holds the tasks against what the rooms mark `@background`, and the jobs against what they register with `periodic.daily`.
"""

from __future__ import annotations

# Killed in the middle, by both victims, with what may have grown afterwards named row by row. Name -> the statement after which the kill comes.
CLOSELY = {
    "import": "insert into registry_membership ",
    "linkage": "update discovery_linkagepair p set score",
    "comparison": "discovery_comparisonrun",
    "monitor": "enrolment_monitoringrun",
    "prepare": "insert into doudi.payments_payrollline",
}
# The database killed when all is written and nothing is committed: what the task leaves then is what it would leave at any moment.
ALL_WRITTEN = "update core_taskprogress set state = %s, error"
# Name -> a table that it writes.
OTHERS = {
    "delivery": "discovery_delivery",
    "trial": "discovery_indicatortrial",
    "what_if": "assessment_whatif",
    "budget": "budget_figure",
    "cards": "community_cardprinting",
    "check": "enrolment_datacheck",
    "accounts": "payments_accountfinding",
    "one_off": "payments_payrollline",
    "back_pay": "payments_backpayitem",
    "back_payroll": "payments_payrollline",
    "national": "reports_nationalexport",
}
PATHS = {
    "import": "doudi.registry.tasks.run_import",
    "linkage": "doudi.discovery.tasks.run_comparison",
    "comparison": "doudi.discovery.tasks.run_comparison",
    "monitor": "doudi.enrolment.tasks.monitor",
    "prepare": "doudi.payments.tasks.prepare",
    "delivery": "doudi.discovery.tasks.take_delivery",
    "trial": "doudi.discovery.tasks.try_indicator",
    "what_if": "doudi.assessment.tasks.run_what_if",
    "budget": "doudi.budget.tasks.calculate",
    "cards": "doudi.community.tasks.print_cards",
    "check": "doudi.enrolment.tasks.fill_check",
    "accounts": "doudi.payments.account_tasks.check",
    "one_off": "doudi.payments.tasks.prepare_one_off",
    "back_pay": "doudi.payments.tasks.calculate_back_pay",
    "back_payroll": "doudi.payments.tasks.prepare_back_payroll",
    "national": "doudi.reports.tasks.national_export",
}
LEFT_OUT = {
    "doudi.payments.tasks.prepare_supplement": "writes by `payrolls.write` as prepare does, over awards that no demo has left to pay",
    "doudi.payments.tasks.calculate_late_decisions": "writes by `back_pay._write` as calculate_back_pay does, over decisions that no demo has come late",
    "doudi.payments.tasks.make_one_off_list": "one transaction of three statements; two of them at once and nothing left after an error: payments/tests/test_one_offs.py",
    "doudi.payments.tasks.pay_one_off_list": "prepares by `grants.prepare_one_off`, which is killed above",
}
# Commands that are no task. rotate-keys is killed after each of its steps in core/tests/test_rotation.py; recode is one statement list of the owner in one
# transaction (registry/tests); synth and demo write nothing real. backup, restore, inbox, simulate and the steps of a payroll have tests of their own
# (`faults_keeping`, `faults_steps`).
COMMANDS = {
    "assessment": ("assessment_assessment", ["assess", "--area", "410122", "--month", "2023-01", "--json"]),
    "results": ("insert into payments_bankreturn", ["bank-results", "--as", "finance", "--json"]),
    "statistics": ("insert into reports_", ["statistics", "--from", "2022-12", "--area", "410122", "--json"]),
    "daily": ('UPDATE "core_dailyrun"', ["daily", "--again", "--on", "2023-01-04", "--json"]),
}
# Killed when all is written and that it ran is not committed.
DAILY = (
    "api.forget", "budget.due", "community.groups", "community.plans", "complaints.clocks", "core.forget", "core.leftovers", "discovery.clear_inbox", "discovery.escalate",
    "discovery.late_deliveries", "discovery.sweeps", "discovery.visit_devices", "discovery.visits", "enrolment.monitoring", "enrolment.moved_awards",
    "enrolment.payees", "enrolment.publicity", "enrolment.spot_checks", "institutions.actions", "institutions.day", "needs.expire", "payments.accounts",
    "payments.calendar", "payments.cover", "payments.overpayments", "payments.proof", "payments.returns", "protection.care", "protection.clocks",
    "registry.moves", "relief.prices", "relief.remind", "relief.stays", "reports.count", "reports.measures", "reports.measures_above", "resources.remind",
    "volunteering.papers", "volunteering.shifts",
)  # fmt: skip
# The hands of a payroll one after another: step -> (the statement after which the kill comes, who does it).
HANDS = {
    "sign": ('UPDATE "payments_payroll"', "reviewer2"),
    "approve": ('INSERT INTO "payments_ledgerentry"', "approver"),
    "release": ('INSERT INTO "payments_ledgerentry"', "finance"),
    "export": ('INSERT INTO "payments_bankfile"', "finance"),
}
