"""Pages of payments."""

from django.urls import path

from doudi.payments.views import back_pay, calendar, exchange, lists, other, payroll, reserves

app_name = "payments"
urlpatterns = [
    path("payments/", lists.Payrolls.as_view(), name="payrolls"),
    path("payments/calendar/", calendar.overview, name="calendar"),
    path("payments/calendar/<str:area>/", calendar.county, name="county_calendar"),
    path("payments/prepare/", payroll.prepare, name="prepare"),
    path("payments/one-off/", payroll.prepare_one_off, name="prepare_one_off"),
    path("payments/follow-up/", payroll.follow_up, name="follow_up"),
    path("payments/returns/", lists.Returns.as_view(), name="returns"),
    path("payments/returns/<int:pk>/", other.returned, name="return"),
    path("payments/returns/<int:pk>/correct/", other.correct, name="correct"),
    path("payments/returns/<int:pk>/confirm/", other.confirm, name="confirm"),
    path("payments/reserve/", reserves.overview, name="reserves"),
    path("payments/reserve/payouts/<int:pk>/", reserves.payout, name="reserve_payout"),
    path("payments/reserve/<str:area>/", reserves.reserve, name="reserve"),
    path("payments/reserve/<str:area>/settle/", reserves.settle, name="reserve_settle"),
    path("payments/back/", back_pay.BackPays.as_view(), name="back_pays"),
    path("payments/back/new/", back_pay.new, name="back_new"),
    path("payments/back/late/", back_pay.late, name="back_late"),
    path("payments/back/<int:pk>/", back_pay.page, name="back_pay"),
    path("payments/back/<int:pk>/items/", back_pay.Items.as_view(), name="back_items"),
    path("payments/back/<int:pk>/awards/<int:entitlement>/", back_pay.award, name="back_award"),
    path("payments/ledger/", lists.Ledger.as_view(), name="ledger"),
    path("payments/ledger/receive/", other.receive, name="receive"),
    path("payments/layouts/", exchange.overview, name="layouts"),
    path("payments/layouts/<int:pk>/decide/", exchange.decide, name="layout_decide"),
    path("payments/layouts/key/", exchange.county_key, name="county_key"),
    path("payments/files/<int:pk>/", payroll.download, name="download"),
    path("payments/files/<int:pk>/signature/", exchange.signature, name="signature"),
    path("payments/answers/<int:pk>/set-aside/", exchange.set_aside, name="answer_set_aside"),
    path("payments/<int:pk>/", payroll.payroll, name="payroll"),
    path("payments/<int:pk>/lines/", lists.Lines.as_view(), name="lines"),
    path("payments/<int:pk>/check/", payroll.check, name="check"),
    path("payments/<int:pk>/approve/", payroll.approve, name="approve"),
    path("payments/<int:pk>/release/", payroll.release, name="release"),
    path("payments/<int:pk>/send-back/", payroll.send_back, name="send_back"),
    path("payments/<int:pk>/delete/", payroll.delete, name="delete"),
    path("payments/<int:pk>/review/", payroll.review, name="review"),
    path("payments/<int:pk>/answers/", exchange.received, name="answers"),
    path("payments/<int:pk>/book/", exchange.book, name="book"),
    path("payments/<int:pk>/export/", exchange.export_chosen, name="export_chosen"),
    path("payments/<int:pk>/export/<slug:layout>/", payroll.export, name="export"),
]
