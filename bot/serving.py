"""How a web process is served, one way for ours and for what it is measured beside; what every process does first."""

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def serve(app: "FastAPI", host: str, port: int) -> None:
    """Serve an application until the process is told to end."""
    import uvicorn

    settle_down()
    uvicorn.run(
        app,
        host=host,
        port=port,
        # Rasa keeps the websockets package old; wsproto serves as well.
        ws="wsproto",
        log_config=None,
        # Addresses hold tokens and phone numbers.
        access_log=False,
        proxy_headers=True,
        timeout_graceful_shutdown=5,
    )


def settle_down() -> None:
    """Take what has been loaded out of the garbage collector's sight: it stays for good, and every look at it costs.

    Of a process that has just started nearly all is there to stay, and whoever is being answered waits for the look.
    """
    gc.collect()
    gc.freeze()
