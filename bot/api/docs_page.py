"""The page that shows the API's description. Its script and its style come from here: no other server is asked."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

_FOLDER = Path(str(files("fastapi_offline"))) / "static"
_SCRIPT, _STYLE = "swagger-ui-bundle.js", "swagger-ui.css"
_TYPES = {_SCRIPT: "text/javascript; charset=utf-8", _STYLE: "text/css; charset=utf-8"}
_AT = "/docs/assets"


def page_of(description: str, *, title: str) -> HTMLResponse:
    """Return the page of a description, which is read at the address `description`."""
    return get_swagger_ui_html(
        openapi_url=description,
        title=title,
        swagger_js_url=f"{_AT}/{_SCRIPT}",
        swagger_css_url=f"{_AT}/{_STYLE}",
        swagger_favicon_url="data:,",
    )


def router_for() -> APIRouter:
    """Return the page of everything that this server answers, and what such pages are made of."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        """Show every route."""
        return page_of("/openapi.json", title="Threadbook")

    @router.get(_AT + "/{name}")
    async def asset(name: str) -> FileResponse:
        """Return a file of the page."""
        if name not in _TYPES:
            raise HTTPException(404)
        return FileResponse(_FOLDER / name, media_type=_TYPES[name], headers={"Cache-Control": "public, max-age=86400"})

    return router
