"""The review in a browser: a page that only this machine's user can open."""
