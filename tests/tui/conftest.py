"""Makes waiting for the screen exact: until nothing is left to do, instead of a fixed time each.

Textual's own waiting sleeps 20 ms and looks at the processor time, twice for every key. What a
test means is: every message was handled, every callback called, and every timer that is just
about to ring has rung. The event loop knows this, so it is asked.
"""

from __future__ import annotations

import asyncio
from time import monotonic

import textual.app
import textual.pilot

HORIZON_S = 0.02  # timers that ring within this belong to what was just done


async def _until_nothing_is_left(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    loop = asyncio.get_running_loop()
    begun = monotonic()
    last = begun + HORIZON_S
    while monotonic() - begun < max_sleep:
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]
            continue
        scheduled = loop._scheduled  # type: ignore[attr-defined]
        due = min((each.when() for each in scheduled if not each.cancelled()), default=None)
        if due is None or due > last:
            return
        await asyncio.sleep(max(0.0, due - loop.time()))


textual.app.wait_for_idle = _until_nothing_is_left
textual.pilot.wait_for_idle = _until_nothing_is_left
