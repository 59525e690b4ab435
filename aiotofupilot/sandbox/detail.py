"""What the API returns by itself, at a path that names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote

import attrs

from aiotofupilot.models import Station, User, UserRef
from aiotofupilot.models.fields import fields_of

from .wire import Refusal, not_found
from .world import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aiotofupilot.models import Organization

    from .storage import Storage
    from .world import Snapshot

T = TypeVar("T")

_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")


@attrs.frozen
class Reading:
    """What a detail is made from, beside its item."""

    snapshot: Snapshot
    """The items of all listings."""
    organization: Organization
    """The organization of the key."""
    storage: Storage
    """Where attachments are."""
    is_station: bool
    """Whether the key is a station's. Otherwise it is a user's."""

    def first(self, listing: str, by: str, value: object) -> Any:  # noqa: ANN401 - an item of the listing
        """Return the first item of a listing whose field has a value. None: there is no such item."""
        return next(iter(self.all(listing, by, value)), None)

    def all(self, listing: str, by: str, value: object) -> Sequence[Any]:
        """Return the items of a listing whose field has a value."""
        return self.snapshot.grouped(listing, by).get(value, ())

    @property
    def station(self) -> Station:
        """The station that has the key of a station: the first of the listing, or a made-up one."""
        made_up = Station("station", "Station", procedures=(), procedures_count=0, team=None)
        return next(iter(self.snapshot.rows("stations")), made_up)

    @property
    def user(self) -> User:
        """The user who has the key of a user: the first of the listing who is not banned, or a made-up one."""
        user = next((user for user in self.snapshot.rows("users") if not user.banned), User("user"))
        return user if user.email else extended(User, user, email="user@example.com")

    @property
    def creator(self) -> UserRef:
        """The user who created what does not say so, without the address."""
        return UserRef(self.user.id, self.user.name)


@attrs.frozen(eq=False)
class Detail:
    """One kind of what the API returns by itself."""

    path: str
    """The path below the root of the API, such as ``procedures/*/versions/*``. A star stands for a parameter."""
    model: type[Any]
    """Its model."""
    by: str | Callable[..., Any] = "id"
    """The field of an item of the listing in the path whose value is the parameter; or a function that takes a
    `Reading` and the parameters, and returns what the detail is made of, or None if there is no such thing."""
    more: Callable[[Reading, Any], Mapping[str, Any]] = lambda _reading, _item: {}
    """Returns the fields that the item does not have. Metadata and sequences need not be there."""
    hides: tuple[str, ...] = ()
    """Fields that the API does not have here, with dots, such as ``created_by_user.email``."""

    def read(self, reading: Reading, parameters: Iterable[str]) -> Any:  # noqa: ANN401 - of any model
        """Make one, of the parameters of the path as they were sent.

        Raises:
            Refusal: There is no such thing, or the key may not read it.
        """
        listing, texts = self.path.partition("/")[0], map(_decoded, parameters)
        item = reading.first(listing, self.by, *texts) if isinstance(self.by, str) else self.by(reading, *texts)
        if item is None:
            raise not_found()
        included = {name: reading.snapshot.included(listing, item, name) for name in NOTHING if hasattr(item, name)}
        return extended(self.model, item, **included, **self.more(reading, item))


def _decoded(parameter: str) -> str:
    """Decode a parameter of a path, as ``decodeURIComponent`` of JavaScript does.

    Raises:
        Refusal: It cannot be decoded. The REST layer does not catch the error, so it is a 500.
    """
    try:
        return unquote(_NOT_ENCODED.sub("%FF", parameter), errors="strict")  # in UTF-8, no byte is FF
    except UnicodeDecodeError:
        raise Refusal(500, "INTERNAL_SERVER_ERROR", "Internal server error") from None


def extended(model: type[T], item: object, **more: Any) -> T:  # noqa: ANN401 - each field has its type
    """Make a model of the fields that an item has too, and of more fields.

    A value of another model than the field's becomes one of the field's model in the same way.
    """
    if type(item) is model and not more:
        return item
    for part in fields_of(cast("Any", model)):
        value = more.get(part.name, getattr(item, part.name, attrs.NOTHING))
        if part.model and part.is_array and value is not None and value is not attrs.NOTHING:
            value = tuple(extended(part.model, one) for one in value)
        elif part.model and value:
            value = extended(part.model, value)
        if value is not attrs.NOTHING:
            more[part.name] = value
    return model(**more)
