"""The command ``novasr``: one module a command, put together in `main`."""
