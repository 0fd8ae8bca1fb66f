"""What each area needs from the agent, fetched in a thread: plain values in, one frozen value out.

A module has the row's name. `load(client, **wanted)` gives the area's snapshot; `load_<what>` gives
a part that the area asked for by name (`Wants(area, "what", …)`). Nothing here imports Textual.
"""
