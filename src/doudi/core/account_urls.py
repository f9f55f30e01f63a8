"""The pages of django-allauth that an officer may reach: sign-in, password, second factor. Nobody signs up or resets by mail."""

from allauth.account import views
from django.urls import include, path
from django.views.generic import TemplateView

ask = TemplateView.as_view(template_name="doudi/pages/no_self_service.html")

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path("password/reset/", ask, name="account_reset_password"),
    path("signup/", ask, name="account_signup"),
    path("email/", ask, name="account_email"),
    path("2fa/", include("allauth.mfa.urls")),
]
