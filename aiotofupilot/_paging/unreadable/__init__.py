"""Reads around an item that the server cannot serve, so that it costs no other item.

`signs` tells which errors can be due to one item of a page. `isolation` finds that item, after it has looked
`elsewhere` to see that the server answers. A `gap` is what was left out before a part of a page, and its `neighbours`
are looked at to confirm it. `sightings` tell whether the listing moves meanwhile.
"""
