"""The storage of attachments, as S3 is one. It takes presigned addresses, and no keys."""

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
    """Presigned addresses of files, and the responses to requests for them.

    Attributes:
        origin: What addresses begin with, such as ``http://localhost:49152``. A sandbox that is running sets it with
            each request; see `asked_at`. At first it is a host that does not exist.
        lifetime: For how many seconds new addresses are valid. You may set it at any time. With 0 or less, an address
            has expired before anybody can use it.
        time: The time of the last request, by which new addresses are valid.
    """

    def __init__(self) -> None:
        self.origin: str = "https://storage.invalid"
        self.lifetime: float = 300.0
        self.time: datetime = datetime.now(UTC)
        self._secret = secrets.token_bytes(16)

    def asked_at(self, scheme: str, host: str) -> None:
        """Set the origin, given where a client has sent its request: a container has another name for this machine.

        A real storage has another origin than the API. So has this one, if the client knows this machine by its number.
        With ``https`` the name stays, because the certificate is for that.
        """
        if scheme == "http" and host.partition(":")[0] == "127.0.0.1":
            host = host.replace("127.0.0.1", "localhost")
        self.origin = f"{scheme}://{host}"

    def address(self, identity: str, name: str) -> str:
        """Return a new address of a file, given its ID and its name."""
        path = f"{_ROOT}{quote(identity, safe='')}/{quote(name, safe='')}"
        expires = str(int(self.time.timestamp() + self.lifetime))
        signature = self._signature("GET", path, expires)
        return f"{self.origin}{path}?Expires={expires}&Signature={signature}"

    def response(self, request: Request) -> Delivery | None:
        """Return the response to a request; None: the storage has no such path."""
        if not request.path.startswith(_ROOT):
            return None
        if request.authorization is not None:  # S3 refuses it too, because a presigned address is an authorization
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
    """Return a file, or the part of it that the request asks for (RFC 9110, section 14)."""
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", "ETag": etag}
    asked = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", request.range or "")
    if asked is None or asked.group() == "bytes=-" or request.if_range not in {None, etag}:
        return Delivery.of(200, headers, body)
    first, last = asked.groups()
    start = int(first) if first else max(0, len(body) - int(last))
    stop = min(len(body), int(last) + 1 if first and last else len(body))
    if start >= stop:
        return Delivery.of(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
    return Delivery.of(206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(body)}"}, body[start:stop])


def _refusal(status: int, code: str, message: str) -> Delivery:
    """Return an error in the form of S3."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Delivery.of(status, {"Content-Type": "application/xml"}, body.encode())
