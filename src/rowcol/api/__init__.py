"""API: the HTTP face. Start at `app.create_app`; every operation with its least role is a row in `operations`."""
