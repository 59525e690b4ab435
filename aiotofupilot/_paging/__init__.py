"""How a listing is walked: page after page, whatever its items are and however a page is fetched.

`paginator` is what users hold, `source` is what it lists, and `plan` says how to walk. `walk` is one pass over the
items, with its `outset`, and `pages` is one over the pages. A `window` fetches pages in order, in `tasks`. `resumption`
tells where a pass that ended early goes on. `iteration` is what walks and streams have in common. Whoever goes by
positions first checks that cursors are `offsets`.

- `continuity` says what of each page is new, and finds the place again where the listing moved.
- `unreadable` reads around an item that the server cannot serve.
- `length` counts the items of a listing, and cuts it into parts.
- `news` finds what is new in a listing since an earlier pass.
"""
