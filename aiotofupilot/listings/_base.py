"""The base class of all listings: what `list` does with its arguments."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

from attrs import evolve

from aiotofupilot._arguments import for_parameter
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot._paging.source import Identified, Plan
from aiotofupilot.positions import Checkpoint, check_query

from ._declaration import Argument, arguments_of, describe
from ._encoding import Pairs, checked, query_of
from ._query import Endpoint, Query, time_in, widely_bounded
from ._shared import OfProcedure, PageOptions, WithMetadata, WithOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from aiotofupilot.positions import Shard

T = TypeVar("T", bound=Identified)

_PAGE_OPTIONS = arguments_of(PageOptions)

_OF_PAGES = {"limit", "cursor"}
"""The parameters with which a page is requested."""

_SHARED_FILTERS = {*WithMetadata.__annotations__, *WithOrder.__annotations__, *OfProcedure.__annotations__}


def _rank(argument: Argument) -> tuple[bool, ...]:
    """Return where an argument stands: required ones first, then the listing's own, shared ones, and the order."""
    return not argument.is_required, argument.name.startswith("sort_"), argument.name in _SHARED_FILTERS


class Listing(Endpoint[T]):
    """A listing of one kind of item.

    A subclass names its model, ``Listing[Station]``, and it has the name of its path. Its ``list()`` names a TypedDict,
    whose keys are its arguments. `filters` and the documentation of ``list()`` are made from these.

    Args:
        connection: The way to the server.
    """

    filters: ClassVar[tuple[Argument, ...]]
    """The filters and the order, which are sent as parameters of the same name."""
    options: ClassVar[tuple[Argument, ...]]
    """The other arguments of ``list()``, which say how to list."""
    summary: ClassVar[str]
    """What ``list()`` does, in one sentence."""
    note: ClassVar[str]
    """What else there is to know of the listing. Empty: nothing."""
    inclusive: ClassVar[dict[str, bool]]
    """The arguments of ``list()`` for what the API leaves out unless it is asked for: metadata, sequences, and attempts
    that were followed by another one."""
    stable_orders: ClassVar[frozenset[str]] = frozenset()
    """The values of ``sort_by`` for an order in which no item can move past another one."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        method: Callable[..., Paginator[Any]] = vars(cls)["list"]
        (declared,) = get_args(method.__annotations__["arguments"])
        arguments = sorted(map(cls._with_stable_orders, arguments_of(declared)), key=_rank)
        cls.filters = tuple(argument for argument in arguments if argument.name not in PageOptions.__annotations__)
        cls.options = tuple(argument for argument in arguments if argument.name in PageOptions.__annotations__)
        filters = {argument.name: argument for argument in cls.filters}
        cls.inclusive = {name: True for name in filters if name.startswith("include_")}
        cls.inclusive |= dict.fromkeys(filters.keys() & {"exclude_retries"}, False)
        cls.summary, _, cls.note = (inspect.getdoc(method) or "").partition("\n\n")
        describe(method, (*cls.filters, *cls.options))
        (model,) = get_args(vars(cls)["__orig_bases__"][0])
        cls._set_up(model, filters, is_bare=all(option.name != "limit" for option in cls.options))

    @classmethod
    def _with_stable_orders(cls, argument: Argument) -> Argument:
        """Return an argument after adding to ``sort_by`` which orders ``resync`` takes."""
        if argument.name != "sort_by":
            return argument
        *others, last = (f"``{order}``" for order in sorted(cls.stable_orders))
        orders = f"{', '.join(others)} or {last}" if others else last
        return evolve(argument, doc=f"{argument.doc} ``resync`` takes no order but {orders}.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.path}>"

    def part(self, shard: Shard[T], **options: Unpack[PageOptions]) -> Paginator[T]:
        """Return the items of a shard of this listing. Where it has one page, options about pages change nothing."""
        self._check_names(options, _PAGE_OPTIONS)
        if options.get("extra_query") is not None:
            message = "extra_query must be left out where a shard is listed: the shard has the one of its listing"
            raise for_parameter(ValueError(message), "extra_query")
        if shard.listing != self.name:
            raise for_parameter(ValueError(f"shard is one of {shard.listing}, and not of {self.name}"), "shard")
        if shard.start is None and shard.end is None:
            return self._paginator(shard.query, options)
        if self.shard_filter is None:
            raise for_parameter(ValueError(f"shard has bounds, and {self.name} have no filter by time"), "shard")
        pairs = widely_bounded(shard.query, self.shard_filter, shard.start, shard.end)
        return self._paginator(pairs, options, shard, lambda item: shard.holds(time_in(item, self.shard_field)))

    def of_every_procedure(self, **arguments: Any) -> Paginator[T]:  # noqa: ANN401 - those of `list`
        """Return what the runs of all procedures wrote, to call `Paginator.since` on it.

        It finds the runs of all procedures in the listing of runs, and asks for the items of each procedure with new
        runs. The API lists the items of one procedure only, so everything else fails.

        Args:
            arguments: Those of ``list()`` without ``procedure_id``.
        """
        return self._listed(arguments, [argument for argument in self.filters if not argument.is_required])

    def _listed(self, arguments: Mapping[str, Any], filters: Sequence[Argument] | None = None) -> Paginator[T]:
        """Return a paginator for the arguments of ``list()``, or for those of some filters."""
        filters = self.filters if filters is None else filters
        self._check_names(arguments, (*filters, *self.options))
        return self._paginator(query_of(filters, arguments), arguments)

    def _check_names(self, given: Mapping[str, Any], taken: Sequence[Argument]) -> None:
        names = {argument.name for argument in taken}
        if unknown := given.keys() - names:
            from difflib import get_close_matches  # noqa: PLC0415 - programs without the mistake need not load it

            near = get_close_matches(min(unknown), sorted(names), n=1)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{type(self).__name__}.list() got an unexpected keyword argument {min(unknown)!r}{hint}")
        for argument in taken:
            if argument.is_required and argument.name not in given:
                raise TypeError(f"{type(self).__name__}.list() lacks the required argument {argument.name!r}")

    def _paginator(
        self,
        pairs: Pairs,
        given: Mapping[str, Any],
        part: Shard[T] | None = None,
        keep: Callable[[Any], bool] | None = None,
    ) -> Paginator[T]:
        """Return a paginator for a query, with options that may be given among other arguments.

        If a shard is listed, ``keep`` returns whether an item that the server lists is in it.
        """
        how = {option.name: checked(option, given.get(option.name, option.default)) for option in _PAGE_OPTIONS}
        query: Query[T] = Query(self, (*pairs, *self._extra(how["extra_query"] or ())), self.decode, part)
        plan = Plan(
            limit=how["limit"],
            start=self._start(how["cursor"], query.digest),
            max_items=how["max_items"],
            concurrency=how["concurrency"] or self.connection.concurrency,
            on_drift=how["on_drift"],
            keep=keep,
            sort_key=query.sort_key,
            on_unreadable=None if self.is_bare else how["on_unreadable"],
        )
        sort_by = dict(pairs).get("sort_by")
        if plan.on_drift == "resync" and sort_by is not None and sort_by not in self.stable_orders:
            stable = ", ".join(map(repr, sorted(self.stable_orders)))
            raise for_parameter(
                ValueError(
                    f"sort_by must be one of {stable} where on_drift is 'resync', got {sort_by!r}: "
                    "an item can change its position in that order, and then a walk cannot find its own position again"
                ),
                "sort_by",
            )
        return Paginator(query, plan)

    def _extra(self, pairs: Pairs) -> Pairs:
        """Return the pairs of ``extra_query``, none of which is known here."""
        known = _OF_PAGES | {argument.name for argument in self.filters}
        for name, _ in pairs:
            if name in known:
                message = f"extra_query must not have {name!r}: {type(self).__name__}.list() sends it by itself"
                raise for_parameter(ValueError(message), "extra_query")
        return pairs

    def _start(self, cursor: int | Checkpoint | None, query: str) -> Checkpoint:
        """Return where to begin, as a checkpoint of this listing and of a query, which is named by its digest."""
        if not isinstance(cursor, Checkpoint):
            return Checkpoint(cursor or 0, listing=self.name, query=query)
        if cursor.listing:
            check_query("cursor", cursor, self.name, query)
        return evolve(cursor, listing=self.name, query=query)
