"""What is new in a listing, exact to the item, wherever the last pass ended.

`incremental` is one pass over it. `created` finds what is new by the moment of creation, and `of_runs` finds what new
runs wrote. Both keep what was `seen`, up to a watermark, by the time of the pass's `beginning`. Both walk by
`restarting`. `follow` makes one pass after another, and outlives outages.
"""
