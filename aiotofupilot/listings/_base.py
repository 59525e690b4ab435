"""The base class of all listings: the arguments of ``list()`` become a paginator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from attrs import evolve

from aiotofupilot._checks import for_parameter
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.source import Plan
from aiotofupilot.positions import Checkpoint, Shard, check_query

from ._declaration import Argument, arguments_of
from ._encoding import Pairs, bounded, check_names, checked, query_of
from ._items import time_in
from ._query import Declared, Query, T
from ._shared import PageOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PAGE_OPTIONS = arguments_of(PageOptions)


class Listing(Declared[T]):
    """A listing of one kind of item.

    A subclass names its model, ``Listing[Station]``, and it has the name of its path. Its ``list()`` names a TypedDict,
    whose keys are its arguments. `filters` and the documentation of ``list()`` are made from these.

    Args:
        connection: The way to the server.
    """

    def part(self, shard: Shard[T], **options: Unpack[PageOptions]) -> Paginator[T]:
        """Return the items of a shard of this listing. Where it has one page, options about pages change nothing."""
        check_names(type(self).__name__, options, _PAGE_OPTIONS)
        if options.get("extra_query") is not None:
            message = "extra_query must be left out where a shard is listed: the shard has the one of its listing"
            raise for_parameter(ValueError(message), "extra_query")
        if shard.listing != self.name:
            raise for_parameter(ValueError(f"shard is one of {shard.listing}, and not of {self.name}"), "shard")
        if shard.start is None and shard.end is None:
            return self._paginator(shard.query, options)
        if self.shard_filter is None:
            raise for_parameter(ValueError(f"shard has bounds, and {self.name} have no filter by time"), "shard")
        try:
            pairs = bounded(shard.query, self.shard_filter, shard.start, shard.end)
        except (OverflowError, ValueError) as error:
            raise for_parameter(ValueError(f"shard has a time that cannot be requested: {error}"), "shard") from error
        return self._paginator(pairs, options, shard, lambda item: shard.holds(time_in(item, self.shard_field)))

    def of_every_procedure(self, **arguments: object) -> Paginator[T]:
        """Return what the runs of all procedures wrote, to call `Paginator.since` on it.

        It finds the runs of all procedures in the listing of runs, and asks for the items of each procedure with new
        runs. The API lists the items of one procedure only, so everything else fails.

        Args:
            arguments: Those of ``list()`` without ``procedure_id``.
        """
        return self._listed(arguments, [argument for argument in self.filters if not argument.is_required])

    def _listed(self, arguments: Mapping[str, object], filters: Sequence[Argument] | None = None) -> Paginator[T]:
        """Return a paginator for the arguments of ``list()``, or for those of some filters."""
        filters = self.filters if filters is None else filters
        check_names(type(self).__name__, arguments, (*filters, *self.options))
        return self._paginator(query_of(filters, arguments), arguments)

    def _paginator(
        self,
        pairs: Pairs,
        given: Mapping[str, object],
        part: Shard[T] | None = None,
        keep: Callable[[Any], bool] | None = None,
    ) -> Paginator[T]:
        """Return a paginator for a query, with options that may be given among other arguments.

        If a shard is listed, ``keep`` returns whether an item that the server lists is in it.
        """
        how = {option.name: checked(option, given.get(option.name, option.default)) for option in _PAGE_OPTIONS}
        query: Query[T] = Query(self, (*pairs, *self._extra(how["extra_query"] or ())), self.decode, part)
        on_drift, sort_by = how["on_drift"], dict(pairs).get("sort_by")
        if sort_by is not None and sort_by not in self.stable_orders:
            if on_drift == "resync":
                stable = ", ".join(map(repr, sorted(self.stable_orders)))
                message = (
                    f"sort_by must be one of {stable} where on_drift is 'resync', got {sort_by!r}: "
                    "an item can change its position in that order, and then a walk cannot find its own position again"
                )
                raise for_parameter(ValueError(message), "sort_by")
            on_drift = on_drift or "ignore"
        plan = Plan(
            limit=how["limit"],
            start=self._start(how["cursor"], query.digest),
            max_items=how["max_items"],
            concurrency=how["concurrency"] or self.connection.concurrency,
            on_drift=on_drift,
            keep=keep,
            sort_key=query.sort_key,
            on_unreadable=None if self.is_bare else how["on_unreadable"],
        )
        return Paginator(query, plan)

    def _extra(self, pairs: Pairs) -> Pairs:
        """Return the pairs of ``extra_query``, none of which is known here."""
        known = {"limit", "cursor", *(argument.name for argument in self.filters)}
        if sent := [name for name, _ in pairs if name in known]:
            message = f"extra_query must not have {sent[0]!r}: {type(self).__name__}.list() sends it by itself"
            raise for_parameter(ValueError(message), "extra_query")
        return pairs

    def _start(self, cursor: int | Checkpoint | None, query: str) -> Checkpoint:
        """Return where to begin, as a checkpoint of this listing and of a query, which is named by its digest."""
        if not isinstance(cursor, Checkpoint):
            cursor = Checkpoint(cursor or 0)
        elif cursor.listing:
            check_query("cursor", cursor, self.name, query)
        return evolve(cursor, listing=self.name, query=query)
