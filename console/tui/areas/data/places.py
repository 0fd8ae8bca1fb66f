"""Where the panes of the data area stand, by the size of the terminal and by what is open."""

from __future__ import annotations

from typing import Final

CSS: Final = """
    DataArea #left { width: 54; }
    DataArea.-narrow #left { width: 1fr; }
    DataArea #right { margin: 0 0 0 4; width: 1fr; }
    DataArea.-narrow #right { display: none; margin: 0; }
    DataArea.-narrow.-open #right { display: block; }
    DataArea.-narrow.-open #left { display: none; }
    DataArea Pane { margin: 0 0 1 0; }
    DataArea #refused { height: auto; max-height: 4; }
    DataArea #versions { max-height: 16; }
    DataArea.-narrow #versions { max-height: 9; }
    DataArea #datasets { max-height: 6; }
    DataArea.-narrow #datasets-pane { margin: 0; }
    DataArea #columns { max-height: 14; }
    DataArea.-narrow #columns { max-height: 8; }
    DataArea #moved { max-height: 9; }
    DataArea.-narrow #moved { max-height: 7; }
    DataArea.-narrow #columns-pane { margin: 0; }
    DataArea #worst { display: none; margin: 1 0 0 0; }
    DataArea.-narrow #worst { display: block; }
    DataArea #rules-pane { display: none; }
    DataArea.-wide #rules-pane, DataArea.-medium #rules-pane { display: block; }
    DataArea #rules { max-height: 10; }
    DataArea #shape-pane { display: none; }
    DataArea.-wide #shape-pane { display: block; height: 1fr; max-height: 14; min-height: 6; }
    DataArea #shape { height: 1fr; }
    DataArea.-shape #shape-pane { display: block; height: 1fr; max-height: 20; }
    DataArea.-shape #columns-pane, DataArea.-shape #moved-pane { display: none; }
    DataArea #rows-view, DataArea #difference-view { display: none; height: 1fr; margin: 0; }
    DataArea #rows, DataArea #difference { height: 1fr; }
    DataArea.-rows #rows-view, DataArea.-difference #difference-view { display: block; }
    DataArea #contract-view { display: none; height: 1fr; margin: 0; }
    DataArea.-contract #contract-view { display: block; }
    DataArea.-rows #main-view, DataArea.-difference #main-view,
    DataArea.-contract #main-view { display: none; }
    DataArea.-none #right, DataArea.-none #datasets-pane, DataArea.-none #rules-pane,
    DataArea.-none #worst, DataArea.-none #refused { display: none; }
    DataArea.-none #left { width: 1fr; }
    """
