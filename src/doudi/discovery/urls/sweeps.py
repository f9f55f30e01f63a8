"""Pages of sweeps."""

from django.urls import path

from doudi.discovery.views import sweep_work, sweeps

urlpatterns = [
    path("sweeps/", sweeps.Sweeps.as_view(), name="sweeps"),
    path("sweeps/new/", sweeps.new, name="sweep_new"),
    path("sweeps/mine/", sweep_work.mine, name="sweeps_mine"),
    path("sweeps/<int:sweep_id>/", sweeps.sweep, name="sweep"),
    path("sweeps/<int:sweep_id>/extend/", sweeps.extend, name="sweep_extend"),
    path("sweeps/<int:sweep_id>/close/", sweeps.close, name="sweep_close"),
    path("sweeps/<int:sweep_id>/cancel/", sweeps.cancel, name="sweep_cancel"),
    path("sweeps/<int:sweep_id>/households/", sweeps.Entries.as_view(), name="sweep_entries"),
    path("sweeps/<int:sweep_id>/villages/<str:area>/", sweeps.Entries.as_view(), name="sweep_village"),
    path("sweeps/<int:sweep_id>/villages/<str:area>/give/", sweeps.give, name="sweep_give"),
    path("sweeps/<int:sweep_id>/villages/<str:area>/print/", sweep_work.printed, name="sweep_print"),
    path("sweeps/<int:sweep_id>/found/", sweep_work.found, name="sweep_found"),
    path("sweeps/entries/<int:entry_id>/", sweep_work.entry, name="sweep_entry"),
    path("sweeps/entries/<int:entry_id>/record/", sweep_work.record, name="sweep_record"),
    path("sweeps/entries/<int:entry_id>/detail/", sweep_work.reveal, name="sweep_detail"),
    path("sweeps/entries/<int:entry_id>/settle/", sweep_work.settle, name="sweep_settle"),
    path("sweeps/conflicts/<int:conflict_id>/", sweep_work.decide, name="sweep_decide"),
]
