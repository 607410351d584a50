"""Flows share the fixtures above them."""

import asyncio

import nlu.engine  # noqa: F401 - Sanic, which Rasa imports, installs uvloop's policy for everybody

asyncio.set_event_loop_policy(None)
