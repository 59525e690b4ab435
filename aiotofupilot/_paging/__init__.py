"""How a listing is walked: page after page, whatever its items are and however a page is fetched.

`paginator` is what users hold, `source` is what it lists, and `plan` says how to walk. `walk` is one pass over the
items, with its `outset`, and `pages` is one over the pages. A `window` fetches pages in order, in `tasks`. `resumption`
says where a pass that ended early continues. `iteration` is what walks, streams and record batches share.

- `drift` says what of each page is new, by the `memory` of what was passed, and `resync` finds the position again after
  the listing has moved.
- `count` finds out how many items a listing has, and `shards` cuts it into parts.
- `incremental` is one pass over what is new in a listing: `by_creation` finds that by the time of creation, and
  `per_run` finds what new runs wrote. Both need what is in `passes`. `follow` makes one pass after another.
- `unreadable` reads around an item that the server cannot serve.
"""
