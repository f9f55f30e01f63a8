"""Pages of the registry."""

from django.urls import path

from doudi.registry.views import across, edit, importing, lists, messages, pages

app_name = "registry"
urlpatterns = [
    path("households/", lists.Households.as_view(), name="households"),
    path("households/new/", edit.household_new, name="household_new"),
    path("households/<int:pk>/", pages.household, name="household"),
    path("households/<int:pk>/change/", edit.household_change, name="household_change"),
    path("households/<int:pk>/members/new/", edit.member_add, name="member_add"),
    path("households/<int:pk>/head/", edit.head_change, name="head_change"),
    path("households/<int:pk>/facts/new/", edit.fact_new, name="fact_new"),
    path("memberships/<int:pk>/end/", edit.member_end, name="member_end"),
    path("people/", lists.People.as_view(), name="people"),
    path("people/<int:pk>/", pages.person, name="person"),
    path("people/<int:pk>/correct/", edit.person_correct, name="person_correct"),
    path("people/<int:pk>/account/", edit.person_account, name="person_account"),
    path("people/<int:pk>/messages/", messages.change, name="person_messages"),
    path("people/<int:pk>/death/", edit.person_death, name="person_death"),
    path("people/<int:pk>/reveal/<slug:field>/", pages.reveal, name="reveal"),
    path("import/", importing.upload, name="import"),
    path("import/template/", importing.template, name="import_template"),
    path("import/<uuid:identifier>/", importing.preview, name="import_preview"),
    path("import/<uuid:identifier>/run/", importing.run, name="import_run"),
    path("elsewhere/", across.look_up, name="look_up"),
    path("moves/", lists.Moves.as_view(), name="moves"),
    path("moves/new/", across.move_new, name="move_new"),
    path("moves/<int:pk>/", across.move, name="move"),
    path("moves/<int:pk>/<slug:what>/", across.move_decide, name="move_decide"),
]
