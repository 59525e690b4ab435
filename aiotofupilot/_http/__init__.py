"""How one request gets through. Nothing in here knows of pages.

`connection` is the whole way. `retries` make the attempts, as a `policy` decides and within a `budget`. Each attempt
waits for its turn at the `gate`, where a `limiter` of the user's own can stand. `transport` sends it with aiohttp, and
`key` puts the key onto it. `redirects` says where a redirect leads, because the key goes nowhere else than to its
server.

What goes wrong becomes an error in `failures`, with `advice` where the server refuses. `records` tells the log, and
`redaction` hides the key in what the server says. `lifetime` ends everything with the session. `settings` and
`credentials` are where the key and the address come from.
"""
