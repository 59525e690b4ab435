"""A storage of attachments like S3, with presigned addresses instead of keys."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from .factory import contents
from .request import Delivery, Request

_ROOT = "/storage/"


class Storage:
    """Makes presigned addresses of files, and serves them.

    Attributes:
        origin: The beginning of addresses, such as ``http://localhost:49152``. Each request to a running sandbox sets
            it; see `asked_at`. Before that, its host does not exist.
        lifetime: How many seconds new addresses are valid. You may set it at any time. With 0 or less, they have
            already expired.
        time: The time of the last request, when the lifetime of new addresses begins.
    """

    def __init__(self) -> None:
        self.origin: str = "https://storage.invalid"
        self.lifetime: float = 300.0
        self.time: datetime = datetime.now(UTC)
        self._secret = secrets.token_bytes(16)

    def asked_at(self, host: str) -> None:
        """Set the origin from the host that a client used, because containers have another name for this machine.

        ``127.0.0.1`` becomes ``localhost``, because a real storage has another origin than the API. With ``https``, the
        address is not changed, because the certificate is for it.
        """
        name, separator, port = host.partition(":")
        self.origin = f"http://{'localhost' if name == '127.0.0.1' else name}{separator}{port}"

    def address(self, identity: str, name: str) -> str:
        """Return a new address of a file."""
        path = f"{_ROOT}{quote(identity, safe='')}/{quote(name, safe='')}"
        expires = str(int(self.time.timestamp() + self.lifetime))
        signature = self._signature("GET", path, expires)
        return f"{self.origin}{path}?Expires={expires}&Signature={signature}"

    def response(self, request: Request) -> Delivery | None:
        """Return the response to a request, or None if the path is not in the storage."""
        if not request.path.startswith(_ROOT):
            return None
        if request.authorization is not None:  # S3, too, refuses a second authorization
            return _refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
        expires, signature = request.query.get("Expires", ""), request.query.get("Signature", "")
        if not hmac.compare_digest(signature.encode(), self._signature(request.method, request.path, expires).encode()):
            return _refusal(403, "SignatureDoesNotMatch", "The signature does not match")
        if request.time.timestamp() >= int(expires):
            return _refusal(403, "AccessDenied", "Request has expired")
        return _selected(contents(request.path.split("/")[2]), request)

    def _signature(self, method: str, path: str, expires: str) -> str:
        return hmac.digest(self._secret, f"{method} {path} {expires}".encode(), "sha256").hex()


def _selected(body: bytes, request: Request) -> Delivery:
    """Return a file, or the requested range of it (RFC 9110, section 14)."""
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", "ETag": etag}
    asked = re.fullmatch(r"bytes=(\d{1,18})-(\d{0,18})", request.range or "")
    if asked is None or request.if_range not in {None, etag}:
        return Delivery.of(200, headers, body)
    start, stop = int(asked[1]), min(len(body), int(asked[2] or len(body)) + 1)
    if start >= stop:
        return Delivery.of(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
    return Delivery.of(206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(body)}"}, body[start:stop])


def _refusal(status: int, code: str, message: str) -> Delivery:
    """Return an error as S3 does."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Delivery.of(status, {"Content-Type": "application/xml"}, body.encode())
