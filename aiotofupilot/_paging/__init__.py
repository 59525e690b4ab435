"""How a listing is walked: page after page, whatever its items are and however a page is fetched.

`paginator` is what users hold, and `source` is what it lists, and how. `walk` is one pass over the items, or over the
pages, which it gets from `window`. `iteration` is what each of them is: ``async for`` iterates over it, and it can be
closed. `tasks` is what these have in flight, in order. Downloads are an iteration of tasks, too.

- `position` is where a walk is: the time of the item passed last. It says whether a page begins before that, and what
  of the page is new.
- `course` says which page is requested next, so that it begins before the position: in the listing, or in a query that
  is bounded by a time.
- `window` requests these pages, several at once, and hands them over in order.
- `count` finds out how many items a listing has, and cuts it into parts.
- `incremental` is one pass over what is new in a listing, or one after another. `by_creation` finds what is new by the
  time of creation, and `by_run` what new runs wrote.
- `details` requests each item of a walk by itself too, and has several of them in flight. `retrieval` requests one of
  them, and says why there are no details.
- `receipts` writes what a walk has done, so that anybody can check it.
- `unreadable` reads around an item that the server cannot serve, and tells such an item from an outage.
"""
