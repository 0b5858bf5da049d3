"""What schemathesis cannot know of the API: its own media types, and how long a test may wait for a run's end."""

import schemathesis

# Longest wait for a run's or a job's end that a generated request asks for, in milliseconds. The document allows half a
# minute; longer ones, which must be refused, stay as they are.
WAIT_MS_MAX = 50
WAIT_MS_LEGAL_MAX = 30_000


@schemathesis.serializer("application/wasm")
def wasm(context, value):
    if isinstance(value, bytes):
        return value
    return str(value).encode()


@schemathesis.hook
def map_query(context, query):
    wait_ms = (query or {}).get("wait_ms")
    if isinstance(wait_ms, int) and WAIT_MS_MAX < wait_ms <= WAIT_MS_LEGAL_MAX:
        query["wait_ms"] = WAIT_MS_MAX
    return query
