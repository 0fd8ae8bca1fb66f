"""One file of handlers per noun; a handler has the name of its route."""
