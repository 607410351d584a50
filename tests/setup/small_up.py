"""`up` as it is, around small children: run as `python -m tests.setup.small_up [WHAT...]`.

Postgres, Redis, locks, signals and processes are real; only what takes a minute (Rasa) or is tested elsewhere
(our web and worker) is small. WHAT may be: slow-training, broken-training, broken-worker.
"""

import sys

import psycopg

from bot.settings import Settings
from bot.up import Plan, run_up
from bot.up_home import SampleUser

WEB = """
import http.server, os
STATUS, BODY = HEALTH
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(STATUS); self.end_headers(); self.wfile.write(BODY)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
"""
WORKER = """
import os, time, psycopg, redis
psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT 1")
redis.Redis.from_url(os.environ["REDIS_URL"]).ping()
assert len(os.environ["SECRET_KEY"]) >= 32
print("working", flush=True)
while True: time.sleep(1)
"""
TRAIN = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[-1])
if (out / "model").exists():
    print("model: unchanged", flush=True)
    raise SystemExit
(out / "model.new").write_text("half")
print("model: 50 %", flush=True)
time.sleep(SECONDS)
(out / "model.new").rename(out / "model")
"""


def prepare(settings: Settings) -> list[SampleUser]:
    from bot.migrate import migrate

    migrate(settings.database_url)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('made')").fetchone() != (None,):
            return []
        connection.execute("CREATE TABLE made ()")
    return [("owner@sample.example", "owner", "a-password")]


def small_plan(what: set[str]) -> Plan:
    def python(code: str) -> list[str]:
        return [sys.executable, "-c", code]

    train = TRAIN.replace("SECONDS", "60" if "slow-training" in what else "0.1")
    broken = "broken-worker" in what
    health = '(503, b\'{"missing": ["worker"]}\')' if broken else "(200, str(os.getpid()).encode())"
    return Plan(
        web=python(WEB.replace("HEALTH", health)),
        worker=python("raise SystemExit('no model here')" if broken else WORKER),
        train=python("raise SystemExit('no data here')" if "broken-training" in what else train),
        prepare=prepare,
    )


if __name__ == "__main__":
    sys.exit(run_up(None, small_plan(set(sys.argv[1:]))))
