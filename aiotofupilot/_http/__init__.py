"""How one request gets through. Nothing in here knows of pages.

- `client` is the whole way of a request, with the options and the lifetime of a session.
- `policy` has the `RetryPolicy`, and knows what a failure says. `retry` makes the attempts at a request.
- `throttle` says when a request may be sent. `outage` knows whether the server is down.
- `transport` sends a request with aiohttp and the key, and follows redirects within the key's own origin.
- `failures` turns errors of aiohttp into errors of this package. `redaction` withholds what a server says of the key.
- `proxy` finds the proxy of a session.
"""
