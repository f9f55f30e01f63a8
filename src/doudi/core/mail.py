"""Mail to officers (电子邮件) who have an address on their account: over SMTP, described by the environment.

DOUDI_MAIL_HOST, DOUDI_MAIL_PORT, DOUDI_MAIL_SECURITY (`tls`, `starttls` or `none`), DOUDI_MAIL_USER, DOUDI_MAIL_PASSWORD, DOUDI_MAIL_FROM. One message has one
Message-ID, however often it is told: mail systems keep one of two.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from doudi.core.channels import Never, NoAddress, NotNow, Parcel, Sent

SUBJECT = {"zh-hans": "兜底系统消息", "en": "Message of Doudi"}
SECONDS = 20


class MailChannel:
    def send(self, parcel: Parcel) -> Sent:
        """Raises NotNow, Never, NoAddress."""
        if parcel.kind != "account":
            raise Never("channel")
        if not parcel.address:
            raise NoAddress("no_address")
        host, sender = os.environ.get("DOUDI_MAIL_HOST", ""), os.environ.get("DOUDI_MAIL_FROM", "")
        if not host or "@" not in sender:
            raise NotNow("no DOUDI_MAIL_HOST or DOUDI_MAIL_FROM")
        message = EmailMessage()
        try:
            message["Subject"], message["From"], message["To"] = SUBJECT[parcel.language], sender, parcel.address
        except ValueError:
            raise Never("address") from None
        message["Message-ID"] = f"<doudi.{parcel.id}@{sender.rpartition('@')[2].rstrip('>')}>"
        message["Date"], message["Auto-Submitted"] = format_datetime(parcel.made_at), "auto-generated"
        message.set_content(parcel.text, cte="base64")
        try:
            with _connected(host) as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _words in error.recipients.values()), 0)
            raise (Never if code >= 500 else NotNow)(f"smtp {code}") from None
        except smtplib.SMTPResponseException as error:
            final = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError)
            raise (Never if final else NotNow)(f"smtp {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotNow(type(error).__name__) from None
        return Sent()


def _connected(host: str) -> smtplib.SMTP:
    security = os.environ.get("DOUDI_MAIL_SECURITY", "starttls")
    port = int(os.environ.get("DOUDI_MAIL_PORT") or {"tls": 465, "starttls": 587}.get(security, 25))
    user, password = os.environ.get("DOUDI_MAIL_USER", ""), os.environ.get("DOUDI_MAIL_PASSWORD", "")
    context = ssl.create_default_context()
    server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context) if security == "tls" else smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        if security == "starttls":
            server.starttls(context=context)
        if user:
            server.login(user, password)
    except BaseException:
        server.close()
        raise
    return server
