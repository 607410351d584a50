"""How a web process is served: one way for ours and for what it is measured beside."""

from fastapi import FastAPI


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve an application until the process is told to end."""
    import uvicorn

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
