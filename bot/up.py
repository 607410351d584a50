"""`threadbook up`: everything on one machine, from embedded servers to a healthy web and worker."""

import argparse
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType

import psycopg
from pydantic import ValidationError

from bot.doctor_settings import explain, misspelt
from bot.embedded import EmbeddedPostgres, EmbeddedRedis, ServerError
from bot.findings import in_a_line
from bot.processes import Child
from bot.separation import NoRole
from bot.settings import Settings
from bot.up_crew import Crew, how_it_ended
from bot.up_home import AlreadyRunning, Claim, Home, SampleUser, named_settings
from bot.up_reach import ask_health, chat_paths, own_database, refuse_taken_port
from bot.up_train import MARK

#: From web and worker started to healthy: a cold disk reads TensorFlow slowly.
HEALTHY_WITHIN = 300.0


class Stopped(BaseException):
    """A signal asked us to stop; like KeyboardInterrupt, nothing that handles errors may swallow it."""


def prepare_business(settings: Settings) -> list[SampleUser]:
    """Bring the schema up to date and load the sample business; return the sample users that were newly made."""
    from bot.migrate import migrate
    from bot.sample import seed_sample

    migrate(settings.database_url)
    return [(email, role, password) for email, role, password in seed_sample(settings)]


@dataclass(frozen=True)
class Plan:
    """What `up` runs; tests give small commands in place of the large ones."""

    web: Sequence[str] = (sys.executable, "-m", "bot.cli", "web")
    worker: Sequence[str] = (sys.executable, "-m", "bot.cli", "worker")
    train: Sequence[str] = (sys.executable, "-m", "bot.up_train")
    prepare: Callable[[Settings], list[SampleUser]] = prepare_business


def run_up(_args: argparse.Namespace | None = None, plan: Plan | None = None) -> int:
    """Run everything until Ctrl-C; return 0 after an asked-for stop, 1 after a sentence on what is wrong."""
    crew = Crew(say)
    _listen_to_signals(crew)
    try:
        home = Home.here()
        home.prepare()
        with home.claimed() as claim, ExitStack() as stack:
            _Start(home, claim, crew, stack, plan or Plan()).run()
    except Stopped:
        _tell("Stopped.")
        return 0
    except (ServerError, AlreadyRunning, NoRole) as error:
        return _fail(str(error))
    except ValidationError as error:
        return _fail("These settings, from the environment or .env, cannot be used:", *explain(error))
    except psycopg.OperationalError as error:
        return _fail(f"The database does not answer: {in_a_line(error)}")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT}:
            raise
        return _fail(f"Threadbook cannot write {error.filename or 'its data'}: {error.strerror}.")
    return 0


@dataclass
class _Start:
    """One run, step by step."""

    home: Home
    claim: Claim
    crew: Crew
    stack: ExitStack
    plan: Plan
    began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        given = named_settings()
        made = {**self.home.own_secrets(), "MODEL_DIR": str(self.home.models)}
        made = {name: value for name, value in made.items() if name not in given}
        embedded = {"DATABASE_URL": "postgresql://", "REDIS_URL": "unix:///"}
        embedded = {name: url for name, url in embedded.items() if name not in given}
        # Judged before anything is started; the servers' addresses are known only after it.
        settings = settings_with(made | embedded)
        refuse_taken_port(settings.host, settings.port)
        self.claim.tell(settings.base_url, {})
        _tell(f"Threadbook starts; its data are in {self.home.folder}")
        for words in misspelt():
            say(".env", words)
        for name in self.home.end_leftovers():
            say(name, "left running by a run that was killed; ended")
        self.stack.callback(self._stop)
        made |= self._start_servers(list(embedded))
        settings = settings_with(made)
        self.claim.tell(
            settings.base_url,
            {name: made[name] for name in made if name not in self.home.own_secrets()} | {"PORT": str(settings.port)},
        )
        with step("business", "schema up to date, sample business loaded"):
            users = self.home.remember_users(self.plan.prepare(settings))
        environment = {**os.environ, **made, "PORT": str(settings.port), "PYTHONUNBUFFERED": "1"}
        self._train(settings, environment)
        self.crew.start(self._child("web", self.plan.web, environment))
        self.crew.start(self._child("worker", self.plan.worker, environment))
        self._wait_until_healthy(settings)
        _welcome(settings, users, self.home, time.monotonic() - self.began)
        while True:
            self.crew.watch()
            time.sleep(0.2)

    def _start_servers(self, embedded: list[str]) -> dict[str, str]:
        urls = {}
        if "DATABASE_URL" in embedded:
            postgres = EmbeddedPostgres(self.home.postgres)
            self.stack.callback(postgres.stop)
            with step("postgres", "ready"):
                urls["DATABASE_URL"] = own_database(postgres.start())
            self.crew.adopt(postgres.child)
        if "REDIS_URL" in embedded:
            redis = EmbeddedRedis(self.home.folder / "redis")
            self.stack.callback(redis.stop)
            with step("redis", "ready"):
                urls["REDIS_URL"] = redis.start()
            self.crew.adopt(redis.child)
        # Callbacks run last in, first out: web and worker end before the servers that they use.
        self.stack.callback(self._stop)
        return urls

    def _train(self, settings: Settings, environment: dict[str, str]) -> None:
        """Run the training in a process of its own: it does nothing when its inputs have not changed."""
        settings.model_dir.mkdir(parents=True, exist_ok=True)
        training = self._child("training", [*self.plan.train, str(settings.model_dir)], environment)
        began = spoke = time.monotonic()
        training.start()
        self.stack.callback(training.stop)
        with training.log.open(errors="replace") as lines:
            while True:
                code = training.ended
                for line in lines:
                    if line.startswith(MARK):
                        say("model", line.removeprefix(MARK).strip())
                        spoke = time.monotonic()
                if code is not None:
                    break
                if time.monotonic() - spoke > 15:
                    say("model", f"still training, {time.monotonic() - began:.0f} s")
                    spoke = time.monotonic()
                time.sleep(0.2)
        if code != 0:
            raise ServerError(
                f"The training ended {how_it_ended(code)}. The end of {training.log}:\n\n{training.last_words()}"
            )
        training.stop()
        say("model", f"ready in {time.monotonic() - began:.1f} s")

    def _child(self, name: str, command: Sequence[str], environment: dict[str, str]) -> Child:
        log = self.home.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        log.touch()
        return Child(name, command, log, self.home.folder / f"{name}.json", environment)

    def _wait_until_healthy(self, settings: Settings) -> None:
        began = spoke = time.monotonic()
        while (missing := ask_health(settings)) is not None:
            self.crew.watch()
            self.crew.refuse_hopeless()
            waited = time.monotonic() - began
            if waited > HEALTHY_WITHIN:
                raise ServerError(f"Not healthy after {waited:.0f} s: {missing}. The logs are in {self.home.logs}")
            if time.monotonic() - spoke > 10:
                say("health", f"waiting, {waited:.0f} s: {missing}")
                spoke = time.monotonic()
            time.sleep(0.3)
        say("health", f"web and worker are up after {time.monotonic() - began:.1f} s")

    def _stop(self) -> None:
        if not self.crew.stopping:
            _tell("\nStopping ...")
        self.crew.stop()


def settings_with(made: dict[str, str]) -> Settings:
    """Return the settings that a child with these additions to its environment will have."""
    return Settings(**{name.lower(): value for name, value in made.items()})  # type: ignore[arg-type]


@contextmanager
def step(name: str, done: str) -> Iterator[None]:
    """Time a step and say that it is done."""
    began = time.monotonic()
    yield
    say(name, f"{done} in {time.monotonic() - began:.1f} s")


def say(name: str, words: str) -> None:
    """Print one line of progress."""
    _tell(f"  {name:<11} {words}")


def _tell(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _fail(*lines: str) -> int:
    sys.stderr.write("\n" + "\n".join(lines) + "\n")
    return 1


def _listen_to_signals(crew: Crew) -> None:
    """Turn the first signal into Stopped; a second one, while we stop, ends everything at once."""

    def stop(_signum: int, _frame: FrameType | None) -> None:
        if crew.stopping:
            crew.hurry()
        else:
            crew.stopping = True
            _tell("\nStopping ... (again Ctrl-C: at once)")
            raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup make run` shall go on.
        signal.signal(signal.SIGHUP, stop)


def _welcome(settings: Settings, users: list[SampleUser], home: Home, seconds: float) -> None:
    base = settings.base_url
    lines = [f"\nThreadbook is healthy after {seconds:.0f} s.\n"]
    if settings.sandbox:
        lines.append(f"  Phones of the sandbox   {base}/sandbox      text, pay and move the clock; nothing leaves here")
    lines += [f"  Web chat                {base}{path}" for path in chat_paths(settings.database_url)]
    lines.append(f"  Console of the staff    {base}/console")
    lines += [f"      {role:<10}          {email}   {password}" for email, role, password in users]
    lines.append(f"  Logs                    {home.logs}")
    lines.append("\nCtrl-C stops everything; bookings and threads stay.\n")
    _tell("\n".join(lines))
