"""The worker process: answers conversations, delivers messages, asks for money, keeps time."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

import procrastinate

from booking_core.kit.jobs import Job
from bot import chores, due, polling
from bot.actions import all_actions
from bot.jobs import build_jobs
from bot.serving import settle_down
from bot.settings import Settings
from bot.wiring import System, open_system
from channels.contract import SendError
from channels.telegram import Telegram
from nlu.engine import Engine

log = logging.getLogger(__name__)

#: Threads that may be in the middle of a burst at once; waiting costs no connection and no processor time.
TURNS_AT_ONCE = 64
#: Messages on their way to their channels at once: each waits for a vendor, and holds no connection meanwhile.
DELIVERIES_AT_ONCE = 48
#: What else messengers are asked for at once: to confirm a tap, to hand out a picture, to let us leave a group.
COURTESIES_AT_ONCE = 8
#: Webhooks under way at once: they mostly wait for others, who must not hold up what customers wait for.
WEBHOOKS_AT_ONCE = 16

_COURTESIES = (Job.ACKNOWLEDGE_TAP, Job.FETCH_MEDIA, Job.LEAVE_GROUP, Job.TELL_BOT)
#: Seconds after which a database that went away is looked for again.
_PAUSE = 1.0


class NoModel(Exception):
    """There is no trained model where the settings point."""


def model_of(settings: Settings) -> Path:
    """Return the trained model; raises NoModel."""
    from nlu.train import current_model

    found = current_model(settings.model_dir)
    if found is None:
        raise NoModel(f"no trained model in {settings.model_dir}: run `threadbook train`")
    return found


async def run_worker(settings: Settings) -> None:
    """Work until asked to stop (SIGTERM, Ctrl-C): what has begun is finished first."""
    model = model_of(settings)
    engine = Engine.load(model, all_actions())
    settle_down()
    await work(settings, engine, model.name)


async def work(settings: Settings, engine: Engine, model: str) -> None:
    """Run jobs and keep time with a loaded engine until asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, stop.set)
    async with open_system(settings) as system:
        jobs = build_jobs(system, engine)
        async with jobs.open_async():
            running = asyncio.create_task(run_jobs(jobs, settings))
            clockwork = asyncio.create_task(due.keep_time(system, jobs, model=model))
            housework = asyncio.create_task(chores.keep_house(system))
            fetching = asyncio.create_task(_poll(system))
            stopping = asyncio.create_task(stop.wait())
            await _register_webhooks(system)
            log.info("worker ready with model %s", model)
            await asyncio.wait({running, clockwork, housework, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (clockwork, housework, fetching, stopping, running):
                task.cancel()
            for task in (clockwork, housework, fetching, running):
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def lanes(settings: Settings) -> Sequence[tuple[Sequence[Job], int]]:
    """Return which jobs share places, and how many: whoever waits for one party holds up nobody who waits for another.

    A turn mostly waits for the customer to finish, a delivery for a messenger; payments and reminders for neither.
    """
    apart = (
        ((Job.ANSWER_CONVERSATION,), TURNS_AT_ONCE),
        ((Job.DELIVER_MESSAGE,), DELIVERIES_AT_ONCE),
        (_COURTESIES, COURTESIES_AT_ONCE),
        ((Job.DELIVER_WEBHOOK,), WEBHOOKS_AT_ONCE),
    )
    taken = {job for shared, _ in apart for job in shared}
    return (*apart, (tuple(job for job in Job if job not in taken), settings.worker_concurrency))


async def run_jobs(jobs: procrastinate.App, settings: Settings, *, poll: float = 0.5) -> None:
    """Run jobs for ever, each in its lane."""
    async with asyncio.TaskGroup() as group:
        for shared, at_once in lanes(settings):
            group.create_task(keep_working(jobs, [job.value for job in shared], at_once, poll=poll))


async def keep_working(jobs: procrastinate.App, queues: list[str], at_once: int, *, poll: float = 0.5) -> None:
    """Run the jobs of some queues until cancelled; whenever the database goes away they wait for it.

    Procrastinate ends a worker that has lost its connection. What was under way then is finished, or taken up
    again once its heartbeat is missed.
    """
    while True:
        try:
            await jobs.run_worker_async(
                queues=queues,
                concurrency=at_once,
                install_signal_handlers=False,
                fetch_job_polling_interval=poll,
                update_heartbeat_interval=due.HEARTBEAT,
                stalled_worker_timeout=due.DEAD_AFTER,
                delete_jobs="successful",
                shutdown_graceful_timeout=8,
            )
            why = "its connection was lost"
        except (procrastinate.exceptions.ConnectorException, OSError) as error:
            why = type(error).__name__
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # an error while it was ending hid that
            raise asyncio.CancelledError
        log.warning("the jobs wait for the database: %s", why)
        await asyncio.sleep(_PAUSE)


async def _poll(system: System) -> None:
    """Fetch Telegram's updates, where nobody delivers them."""
    if system.settings.telegram_polling:
        await polling.poll_all(system)


async def _register_webhooks(system: System) -> None:
    """Tell live Telegram where we are; Twilio and Stripe are told in their consoles."""
    if not system.settings.telegram_calls:
        return
    telegram = system.channels.get("telegram")
    bots = [(bot, True) for bot in await system.own.bots()]
    if isinstance(telegram, Telegram):
        bots.append((telegram, False))
    for bot, own in bots:
        try:
            await bot.register(system.settings.base_url, own=own)
        except SendError as error:
            log.error("Telegram did not take our webhook address: %s", error.code)
