# Two images: `app` for everything that touches no card, and `desk`, the same with a browser.

FROM python:3.13-slim AS packages
COPY requirements.lock .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock

FROM node:24-slim AS front
WORKDIR /front
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim AS app
RUN groupadd --gid 10001 xubao \
    && useradd --uid 10001 --gid xubao --no-create-home --home-dir /tmp --shell /usr/sbin/nologin xubao \
    && install --directory --owner=xubao --group=xubao --mode=700 /files
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    XUBAO_MODE=production \
    XUBAO_RUNTIME=/tmp/xubao \
    FILES_DIR=/files \
    STATIC_ROOT=/srv/static
WORKDIR /srv/xubao
COPY --from=packages /opt/venv /opt/venv
COPY --from=front /front/node_modules node_modules
COPY . .
# The keys are for this one command, which uses neither. Left out: Tabler's extra style sheets, which no
# page uses and which name pictures that we do not carry.
RUN python -m compileall -q agency companies renewals portal_driver \
    && python -m bootstrap.translations \
    && SECRET_KEY=collecting-static-files-needs-no-key VAULT_KEY=collecting-static-files-opens-no-vault \
       python manage.py collectstatic --noinput --ignore 'tabler-*'
USER xubao
ENTRYPOINT ["deploy/entrypoint.sh"]

FROM app AS desk
USER root
# The headless shell, and a font with Chinese characters for pictures and PDFs.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium-headless-shell fonts-wqy-microhei \
    && rm -rf /var/lib/apt/lists/*
ENV PLAYWRIGHT_CHROMIUM=/usr/lib/chromium/chromium-headless-shell
USER xubao
