"""How one request gets through. Nothing in here knows of pages.

- `connection` is the whole way of a request. `options` are those that a view on a session can change.
- `retry` has the `RetryPolicy`, and makes the attempts at a request.
- `throttle` says when a request may be sent. `outage` knows whether the server is down.
- `transport` sends a request with aiohttp, and follows redirects within the key's own origin. `connection_limits` has
  the limits of a connector on its connections.
- `auth` adds the key to a request, at a place where no trace hook sees it. `proxy` finds the proxy of a session.
- `failures` turns errors of aiohttp into errors of this package, and `advice` says what to do about a refusal.
- `redaction` hides the key in what a server says, and `records` writes the log.
- `lifetime` ends everything with the session.
"""
