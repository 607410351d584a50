"""`threadbook`: every command of the system."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from bot.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    args = parser().parse_args(arguments)
    try:
        result: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our lines went away, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    root = argparse.ArgumentParser(prog="threadbook", description="Appointments inside the message thread.")
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, help_: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_, description=help_)
        command.set_defaults(run=run)
        return command

    add("up", _up, "Run everything on this machine: servers, web, worker, a sample business")
    add("web", _web, "Run the web server")
    add("worker", _worker, "Run a worker: conversations, deliveries, payments, reminders")
    add("migrate", _migrate, "Bring the database to the newest schema")
    seed = add("seed", _seed, "Load a business from a YAML file (the sample, if none is named)")
    seed.add_argument("file", nargs="?", type=Path, help="docs/catalog.md describes it; data/seeds/ has three")
    export = add("export", _export_business, "Write what is in the database into a file: export business SLUG")
    exports = export.add_subparsers(required=True, metavar="WHAT")
    business = exports.add_parser("business", help="A business as the YAML file that `seed` loads")
    business.add_argument("slug", metavar="SLUG", help="the business's short name, as in its chat's address")
    business.add_argument("--out", type=Path, metavar="FILE", help="where to; the terminal, if none is named")
    business.set_defaults(run=_export_business)
    wrong = exports.add_parser("misunderstandings", help="What managers marked as misunderstood, without personal data")
    wrong.add_argument("slug", metavar="SLUG", help="the business's short name")
    wrong.add_argument("--out", type=Path, metavar="FILE", help="where to; the terminal, if none is named")
    wrong.set_defaults(run=_export_misunderstandings)
    agreed = exports.add_parser("consents", help="What one customer agreed to and refused: where, when, by which words")
    agreed.add_argument("slug", metavar="SLUG", help="the business's short name")
    agreed.add_argument(
        "who", metavar="WHO", help="an address of the customer (+34600111222, a@example.org), or the id"
    )
    agreed.add_argument("--out", type=Path, metavar="FILE", help="where to; the terminal, if none is named")
    agreed.set_defaults(run=_export_consents)
    token = add("token", _token, "Make, list and revoke the tokens of other programs (docs/api.md)")
    tokens = token.add_subparsers(required=True, metavar="WHAT", dest="what")
    create = tokens.add_parser("create", help="Make a token; it is shown this once")
    create.add_argument("name", metavar="NAME", help="what it is for, such as the program's name")
    create.add_argument("--scopes", required=True, help="what it may do, comma-separated; `read` or `all` for several")
    create.add_argument("--days", type=int, metavar="N", help="it ends after so many days; never, unless told")
    revoke = tokens.add_parser("revoke", help="Close a token at once")
    revoke.add_argument("prefix", metavar="PREFIX", help="how it begins, as `token list` shows it, or the whole token")
    for one in (create, revoke, tokens.add_parser("list", help="Show the tokens, but not their secrets")):
        one.add_argument("--business", metavar="SLUG", help="whose; to make one where there are several")
    own = add("credentials", _credentials, "Keep a business's own credentials at Twilio, Telegram and Stripe, sealed")
    owning = own.add_subparsers(required=True, metavar="WHAT", dest="what")
    keep = owning.add_parser("set", help="Keep them: NAME=value lines on standard input, or a prompt for each")
    keep.add_argument("--from-env", action="store_true", help="take them from BUSINESS_TWILIO_ACCOUNT_SID and so on")
    for one in (keep, owning.add_parser("remove", help="Forget them: the system's own serve again")):
        one.add_argument("--business", metavar="SLUG", required=True, help="whose")
        one.add_argument("--provider", choices=["twilio", "telegram", "stripe"], required=True, help="where")
    kept = owning.add_parser("list", help="Show who has which, and of each the last characters")
    kept.add_argument("--business", metavar="SLUG", help="whose; everybody's, unless told")
    owning.add_parser("reseal", help="Seal everything with the first of VAULT_KEYS, so that the others may go")
    owning.add_parser("key", help="Make a key for VAULT_KEYS and show it")
    wording = add("templates", _templates, "Push WhatsApp's templates for approval, or show how they stand")
    doing = wording.add_subparsers(required=True, metavar="WHAT", dest="what")
    doing.add_parser("push", help="Create and submit what data/templates declares and Meta does not have")
    doing.add_parser("status", help="Show how each template stands with Meta")
    train = add("train", _train, "Train the model, unless it is trained from the same inputs already")
    train.add_argument("--out", type=Path, help="folder of the models (MODEL_DIR)")
    chat = add("chat", _chat, "Chat with a running system in this terminal")
    chat.add_argument("--url", default="", help="address of the web server")
    chat.add_argument("--locale", default="en", help="language to start in")
    add(
        "when",
        _when,
        'Read times: lines of {"text", "now", "locale"?, "tz"?, "id"?} in, lines of {"id", "ms", "values"} out',
    )
    add(
        "understand",
        _understand,
        'Read messages: lines of {"text", "locale"?, "now"?, "tz"?, "asked"?, "id"?} in, what was understood out',
    )
    bench = add("bench", _bench, "Measure")
    bench.add_argument(
        "what",
        choices=["turn", "when", "core", "channels"],
        help="turn: a full turn, beside stock Rasa; when: beside its peers; core: holds and free times; "
        "channels: webhooks under load, beside one INSERT",
    )
    bench.add_argument("--turns", type=int, default=200, help="how many turns")
    bench.add_argument("--cases", type=Path, help="when: a folder of <language>.jsonl with accepted answers")
    bench.add_argument("--lang", default="en,es,fr,de,pt", help="when: languages, comma-separated")
    bench.add_argument("--quick", action="store_true", help="core, channels: less of everything, no targets")
    bench.add_argument("--thread", type=int, default=2000, help="turn: how many turns in one long thread")
    bench.add_argument("--json", type=Path, metavar="FILE", help="core, turn, channels: write the figures there")
    bench.add_argument("--parts", default="", help="core: of holds,availability,growth,memory only these")
    add("doctor", _doctor, "Say what is wrong with the settings and the servers")
    return root


def settings_or_exit() -> Settings:
    """Return the settings, with the servers of an `up` in this folder; ends with a sentence for each wrong one."""
    from bot.doctor import explain
    from bot.up_home import settings_here

    try:
        return settings_here()
    except ValidationError as error:
        sys.stderr.write("Some settings cannot be used:\n")
        for line in explain(error):
            sys.stderr.write(f"  {line}\n")
        raise SystemExit(2) from None


def _up(args: argparse.Namespace) -> int:
    from bot.up import run_up

    return run_up(args)


def _web(args: argparse.Namespace) -> int:
    from bot.app import create_app
    from bot.logs import configure_logs
    from bot.serving import serve

    settings = settings_or_exit()
    configure_logs(settings.log_level)
    serve(create_app(settings), settings.host, settings.port)
    return 0


def _worker(args: argparse.Namespace) -> int:
    from bot.logs import configure_logs

    settings = settings_or_exit()
    configure_logs(settings.log_level)
    from bot.worker import NoModel, run_worker

    try:
        asyncio.run(run_worker(settings))
    except NoModel as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _migrate(args: argparse.Namespace) -> int:
    from bot.migrate import migrate
    from bot.separation import NoRole

    try:
        migrate(settings_or_exit().database_url)
    except NoRole as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("The database has the newest schema.\n")
    return 0


def _seed(args: argparse.Namespace) -> int:
    from booking_core.seed import SeedError
    from bot.sample import SAMPLE, seed_from

    try:
        loaded = seed_from(settings_or_exit(), args.file or SAMPLE)
    except SeedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{args.file} cannot be read: {error.strerror}.\n")
        return 1
    sys.stdout.write(f"{loaded.name}: {loaded.chat}\n")
    for channel in loaded.taken:
        sys.stderr.write(f"Another business here has the address for {channel}; this one is reached by web chat.\n")
    for user in loaded.users:
        sys.stdout.write(f"{user}\n")
    return 0


def _export_misunderstandings(args: argparse.Namespace) -> int:
    from bot.exports import write_misunderstandings

    return _exported(args, lambda settings: write_misunderstandings(settings, args.slug, args.out))


def _export_consents(args: argparse.Namespace) -> int:
    from bot.exports import write_consents

    return _exported(args, lambda settings: write_consents(settings, args.slug, args.who, args.out))


def _export_business(args: argparse.Namespace) -> int:
    from bot.exports import write_business

    return _exported(args, lambda settings: write_business(settings, args.slug, args.out))


def _exported(args: argparse.Namespace, write: Callable[[Settings], str]) -> int:
    """Write what was asked for to its file, or show it; say why it cannot be written."""
    from booking_core.refusals import BookingRefused
    from booking_core.seed import SeedError

    try:
        text = write(settings_or_exit())
    except BookingRefused as refused:
        missing = f"customer {args.who} there" if "customer" in refused.data else f"business called {args.slug}"
        sys.stderr.write(f"There is no {missing}.\n")
        return 1
    except SeedError as error:
        sys.stderr.write(f"The file is written, but `threadbook seed` would refuse it:\n{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if args.out is None:
        sys.stdout.write(text)
    return 0


def _token(args: argparse.Namespace) -> int:
    from bot.api.command import run_token

    return run_token(settings_or_exit(), args)


def _credentials(args: argparse.Namespace) -> int:
    from bot.credentials_command import run_credentials

    return run_credentials(args, settings_or_exit)


def _templates(args: argparse.Namespace) -> int:
    from bot.templates_command import run_templates

    return run_templates(settings_or_exit(), args)


def _train(args: argparse.Namespace) -> int:
    from nlu.train import train

    out = args.out or settings_or_exit().model_dir
    model = train(out, lambda line: sys.stderr.write(f"{line}\n") and None)
    sys.stdout.write(f"{model}\n")
    return 0


def _chat(args: argparse.Namespace) -> int:
    from bot.terminal import chat

    return chat(args.url or settings_or_exit().base_url, args.locale)


def _when(args: argparse.Namespace) -> int:
    from nlu.when.command import run

    for line in run(sys.stdin):
        sys.stdout.write(line.rstrip("\n") + "\n")
        sys.stdout.flush()
    return 0


def _understand(args: argparse.Namespace) -> int:
    from bot.logs import configure_logs

    configure_logs("ERROR")
    from bot.understand import understand

    return understand(sys.stdin, sys.stdout)


def _bench(args: argparse.Namespace) -> int:
    if args.what == "when":
        from bot.bench_when import bench_when

        return bench_when(args.cases, args.lang.split(","))
    if args.what == "core":
        from bot.bench_core.command import PARTS, bench_core

        parts = [one for one in args.parts.split(",") if one] or list(PARTS)
        if unknown := set(parts) - set(PARTS):
            sys.stderr.write(f"There is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)} are.\n")
            return 2
        return bench_core(quick=args.quick, out=args.json, parts=parts)
    if args.what == "channels":
        from bot.bench_channels.command import bench_channels

        return bench_channels(quick=args.quick, out=args.json)
    from bot.bench_turn.command import bench_turn

    return bench_turn(args.turns, thread=args.thread, out=args.json)


def _doctor(args: argparse.Namespace) -> int:
    from bot.doctor import run_doctor
    from bot.up_home import settings_here

    try:
        settings: Settings | ValidationError = settings_here()
    except ValidationError as error:
        settings = error
    return run_doctor(settings)


if __name__ == "__main__":
    raise SystemExit(main())
