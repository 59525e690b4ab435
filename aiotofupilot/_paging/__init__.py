"""How a listing is walked: page after page, whatever its items are and however a page is fetched.

`paginator` has the object that users hold, and `source` says what it lists. `walk` is one pass over the items, or over
the pages, which it gets from `window`. `iteration` has the base class of everything that ``async for`` iterates over
and that can be closed. `tasks` holds the work in flight, in order. Downloads use both, too.

- `position` is where a walk is: the time of the last item read. It says whether a page begins before that time, and
  which items of the page are new.
- `course` says which page is requested next, so that it begins before the position. The page is one of the listing, or
  of a query that is bounded by a time.
- `window` requests these pages, several at once, and hands them over in order.
- `count` finds out how many items a listing has, and cuts it into parts.
- `incremental` is one pass over what is new in a listing, or an endless stream of such passes. `by_creation` finds new
  items by their time of creation, and `by_run` finds what new runs wrote.
- `details` requests the details of the items of a walk, several at once. `retrieval` requests the details of one item.
  If they are not found, it finds out whether the item was removed.
- `receipts` records what a walk has done, so that anybody can check it.
- `unreadable` reads around an item that the server cannot serve, and tells such an item from an outage.
"""
