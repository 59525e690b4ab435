"""What of a page is new, and where in the listing the walk stands. Nothing in this room waits or does I/O.

There are two continuities. `deduplicated` takes pages as they come, and `anchored` holds each page to the one before.
Both keep a `memory` of what was passed, and watch the `progress`. Where a listing moved, `resync` finds the place
again: it judges what is in `sight` on a page, and follows a `search` from page to page. Items that are sorted alike are
`ties`, whose places tell nothing.
"""
