"""Everything about a single request. Nothing here knows of pages.

- `client` sends a request and returns the value in its response. It has the options and the lifetime of a session.
- `policy` has the `RetryPolicy` and classifies failures. `retry` makes the attempts at a request.
- `throttle` decides when to send a request. `outage` knows whether the server is down.
- `transport` sends a request with aiohttp and the key.
- `failures` translates aiohttp's errors, and removes secrets from errors.
- `proxy` finds the proxy of a session.
"""
