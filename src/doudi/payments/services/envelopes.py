"""Encryption and signature between a county and its bank: CMS envelopes (RSA, AES-256-CBC) and detached signatures over SHA-256.

Both are what `openssl cms -decrypt -inform DER` and `openssl dgst -sha256 -verify` understand, so that a bank needs nothing of ours. The
bank's certificate stands in the choice of the layout, the county's key pair is made here and its private half never leaves.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from doudi.core import duties
from doudi.core import scope as scopes
from doudi.payments.models import CountyKey, LayoutChoice

BITS = 3072
YEARS = 5
LARGEST = 256 << 20


def certificate_of(pem: str) -> x509.Certificate:
    """The bank's certificate. Raises ValidationError where it is none, or its key is of a kind that cannot be used."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ValidationError(_("“银行证书”不是 X.509 证书（PEM 格式）；请向银行索取。")) from None
    if not isinstance(found.public_key(), rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValidationError(_("“银行证书”的密钥类型不能使用；请向银行索取 RSA 证书。"))
    return found


def check_certificate(pem: str, *, on: date, encrypted: bool) -> None:
    """Refuse a certificate that does not hold on a day or cannot encrypt. Raises ValidationError."""
    found = certificate_of(pem)
    if not found.not_valid_before_utc.date() <= on <= found.not_valid_after_utc.date():
        raise ValidationError(
            _("“银行证书”在启用日期不在有效期内（%(until)s 到期）；请向银行索取新证书。") % {"until": f"{found.not_valid_after_utc:%Y-%m-%d}"}
        )
    if encrypted and not isinstance(found.public_key(), rsa.RSAPublicKey):
        raise ValidationError(_("加密须用 RSA 证书；请向银行索取，或只签名不加密。"))


@transaction.atomic
def make_key(*, area: str, now: datetime) -> CountyKey:
    """Make the county's key pair; a newer one takes the place of the older, which goes on opening what was sealed for it."""
    acting = duties.require("payments.layouts_propose")
    if len(area) != 6 or not acting.covers(area):
        raise ValidationError(_("密钥按县（市、区）生成；所选地区不是您管辖的县。"))
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Doudi"), x509.NameAttribute(NameOID.COMMON_NAME, area)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    row = CountyKey.objects.create(
        area=area,
        certificate=made.public_bytes(serialization.Encoding.PEM).decode(),
        private_key=private.decode(),
        made_by_id=acting.account_id,
        made_at=now,
    )
    scopes.check_constraints()
    return row


def keys_of(area: str) -> list[CountyKey]:
    """The county's key pairs, the newest first."""
    return list(CountyKey.objects.filter(area=area).order_by("-made_at", "-pk"))


def _private(row: CountyKey) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(row.private_key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def sign(area: str, data: bytes) -> bytes:
    """The county's signature over a file. Raises ValidationError where it has no key yet."""
    rows = keys_of(area)
    if not rows:
        raise ValidationError(_("本县还没有签名密钥；请先在“代发文件版式”页生成，并把证书交给银行。"))
    return _private(rows[0]).sign(data, padding.PKCS1v15(), hashes.SHA256())


def sealed_for(choice: LayoutChoice, data: bytes) -> bytes:
    """A file in an envelope that only the bank opens (DER). Raises ValidationError for files that are too large for memory."""
    if len(data) > LARGEST:
        raise ValidationError(_("加密文件不能超过 256 MB；请选用分份的版式。"))
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(data).add_recipient(certificate_of(choice.certificate)).set_content_encryption_algorithm(AES256)
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def is_envelope(data: bytes) -> bool:
    """Whether bytes look like a CMS envelope: the object identifier of enveloped data near the beginning of a DER sequence."""
    return data[:1] == b"\x30" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" in data[:32]


def opened(area: str, name: str, data: bytes) -> bytes:
    """A file that the bank encrypted for the county; other files as they are. Raises ValidationError where no key of the county opens it."""
    if not is_envelope(data):
        return data
    for row in keys_of(area):
        try:
            return pkcs7.pkcs7_decrypt_der(data, x509.load_pem_x509_certificate(row.certificate.encode()), _private(row), [])
        except ValueError:
            continue
    raise ValidationError(_("%(name)s：文件已加密，但本县的密钥打不开；请核对银行使用的证书。") % {"name": name})


def verify(choice: LayoutChoice, name: str, data: bytes, signature: bytes | None) -> None:
    """Hold the bank's signature against the file as it came. Raises ValidationError where it is missing or wrong."""
    if not signature:
        raise ValidationError(_("%(name)s：缺少银行签名；请将同名的 .sig 文件一并上传。") % {"name": name})
    key = certificate_of(choice.certificate).public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise ValidationError(_("%(name)s：银行签名与文件不符，文件可能被改动；没有读入，请向银行核实。") % {"name": name}) from None
