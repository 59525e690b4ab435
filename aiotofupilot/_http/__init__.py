"""How one request gets through. Nothing in here knows of pages.

- `connection` is the whole way of a request. `options` are those that a view on a session can change.
- `retries` makes the attempts at a request, and holds what they share. `budget` bounds the retries of a session.
- `attempts` is what all attempts have in common. `policy_attempts` are those that a policy allows, and
  `controller_attempts` those that the user's own tenacity controller allows.
- `policy` is the `RetryPolicy`. It decides whether a failed request is sent again, and after how long.
- `gate` lets an attempt wait for its turn. `limiter` is the user's own rate limiter, which can stand there.
- `transport` sends a request with aiohttp, and follows redirects within the key's own origin. `connection_limits` has
  the limits of a connector on its connections.
- `auth` adds the key to a request, at a place where no trace hook sees it. `proxy` finds the proxy of a session.
- `failures` turns errors of aiohttp into errors of this package, and `advice` says what to do about a refusal.
- `redaction` hides the key in what a server says, and `records` writes the log.
- `lifetime` ends everything with the session.
"""
