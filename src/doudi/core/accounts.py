"""Sign-in: accounts are made by administrators, nobody signs up."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def set_password(self, user: Any, password: str) -> None:
        """The officer's own password: a one-time password has served."""
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])  # the application may write no other column of it

    def send_notification_mail(self, *args: object, **kwargs: object) -> None:
        """Accounts have no mail address."""

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return "/"

