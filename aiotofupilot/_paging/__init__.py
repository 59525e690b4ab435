"""How a listing is walked: page after page, whatever its items are and however a page is fetched.

`paginator` is what users hold, and `plan` says how to walk. `walk` is one pass: a `window` fetches pages in order, and
one of the two continuities, `deduplicated` or `anchored`, says what of each page is new. Both keep a `memory` of what
was passed and watch the `progress`. Where a listing moved, `resync` finds the place again: it judges what is in `sight`
on a page, and follows a `search` from page to page. Where a page is `unreadable`, `isolation` reads around the item at
fault, after it has looked `elsewhere` to see that the server answers; a `gap` is what it left out before a part.

`counting` finds out how many items there are, by the `extent` that a few pages show, and `sharding` cuts a listing into
parts. Both go by positions, so they need cursors that are `offsets`.

`news` finds what is new in a listing since an earlier pass.
"""
