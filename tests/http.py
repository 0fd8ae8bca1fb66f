"""One HTTP client for all tests.

`httpx.get` and its like read the system's certificates anew for every question: 20 ms of CPU, which
the process that is being asked would rather have had. Each question has a connection of its own.
"""

from __future__ import annotations

import httpx

HTTP = httpx.Client(timeout=30.0, limits=httpx.Limits(max_keepalive_connections=0))
