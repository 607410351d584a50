"""docker-compose.yml and Dockerfile, judged without an engine: the specification's schema, and our promises."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.cli import parser
from bot.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "tests" / "fixtures" / "compose" / "compose-spec.json"
OURS = ("migrate", "web", "worker")
SECRETS = re.compile(r"(PASSWORD|SECRET|TOKEN|_KEY)$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def commands() -> set[str]:
    """Every command of `threadbook`."""
    for action in parser()._actions:
        if isinstance(action.choices, dict):
            return set(action.choices)
    raise AssertionError("the parser has no commands")


def test_compose_obeys_the_specification(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, json.loads(SCHEMA.read_text()))


def test_the_schema_would_refuse_a_mistake(compose: dict[str, Any]) -> None:
    wrong = compose | {"services": compose["services"] | {"web": {"comand": ["x"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json.loads(SCHEMA.read_text()))


def test_the_shape_is_production_s(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"postgres", "redis", *OURS}
    assert services["worker"]["deploy"]["replicas"] == 2
    for name in ("web", "worker"):
        waits = services[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert waits["postgres"]["condition"] == waits["redis"]["condition"] == "service_healthy"
    for name in ("postgres", "redis", "web", "worker"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
        assert services[name]["restart"] == "unless-stopped"
    assert services["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_unprivileged(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_commands_that_exist(compose: dict[str, Any], name: str) -> None:
    program, command = compose["services"][name]["command"]
    assert program == "threadbook"
    assert command in commands()


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRETS.search(variable):
                # Only taken from outside: required, or empty (which means: no such vendor).
                assert re.fullmatch(r"\$\{[A-Z_]+(:\?[^}]*|:-)\}", value), f"{name}: {variable}"
    url = compose["services"]["web"]["environment"]["DATABASE_URL"]
    assert "${POSTGRES_PASSWORD:?" in url


def test_every_setting_reaches_our_services(compose: dict[str, Any], instructions: list[tuple[str, str]]) -> None:
    in_image = set(re.findall(r"\b([A-Z_]+)=", " ".join(rest for verb, rest in instructions if verb == "ENV")))
    for name in OURS:
        given = set(compose["services"][name]["environment"]) | in_image
        missing = {field.upper() for field in Settings.model_fields} - given
        assert not missing, f"{name} is not given {missing}"


def test_workers_find_the_sandboxs_mail_server_where_the_web_is(
    compose: dict[str, Any], instructions: list[tuple[str, str]]
) -> None:
    host = compose["services"]["worker"]["environment"]["SANDBOX_SMTP_HOST"]
    assert compose["services"][host]["command"] == ["threadbook", "web"]
    # It listens where the web server does: not to itself alone.
    assert any(verb == "ENV" and "HOST=0.0.0.0" in rest for verb, rest in instructions)


def test_the_last_stage_is_small_and_not_root(instructions: list[tuple[str, str]]) -> None:
    begins = [number for number, (verb, _) in enumerate(instructions) if verb == "FROM"]
    assert len(begins) == 2, "multi-stage"
    last = instructions[begins[-1] :]
    verbs = [verb for verb, _ in last]
    user = next(rest for verb, rest in reversed(last) if verb == "USER")
    assert user.split(":")[0] not in {"0", "root"}
    assert verbs.index("USER") < verbs.index("CMD")
    assert "HEALTHCHECK" in verbs
    assert all("uv sync" not in rest for _, rest in last)


def test_the_model_is_trained_while_building(instructions: list[tuple[str, str]]) -> None:
    runs = [rest for verb, rest in instructions if verb == "RUN"]
    assert any("nlu.train /app/models" in run for run in runs)
    assert any(verb == "ENV" and "MODEL_DIR=/app/models" in rest for verb, rest in instructions)


def test_what_is_copied_exists_and_is_not_ignored(instructions: list[tuple[str, str]]) -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [rest.split()[:-1] for verb, rest in instructions if verb == "COPY" and "--from" not in rest]
    sources = {source for group in copied for source in group}
    assert sources == kept
    for source in sources:
        assert (ROOT / source).exists()


def test_the_dockerfile_s_commands_exist(instructions: list[tuple[str, str]]) -> None:
    command = json.loads(next(rest for verb, rest in instructions if verb == "CMD"))
    assert command[0] == "threadbook"
    assert command[1] in commands()
    health = next(rest for verb, rest in instructions if verb == "HEALTHCHECK")
    module = json.loads(health[health.index("[") :])[2]
    assert (ROOT / (module.replace(".", "/") + ".py")).exists()
