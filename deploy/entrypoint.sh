#!/bin/sh
# Turns the passwords that this service was given (files in /run/secrets) into the addresses that
# agency/settings.py reads, and becomes the command. A role whose password is not here has no address.
set -eu

secrets=${SECRETS_DIR:-/run/secrets}

given() { [ -r "$secrets/$1_password" ]; }
database() { printf 'postgres://xubao_%s:%s@postgres:5432/xubao' "$1" "$(cat "$secrets/$1_password")"; }

if given app; then DATABASE_URL=$(database app) && export DATABASE_URL; fi
if given owner; then DATABASE_OWNER_URL=$(database owner) && export DATABASE_OWNER_URL; fi
if given sweep; then DATABASE_SWEEP_URL=$(database sweep) && export DATABASE_SWEEP_URL; fi
if given valkey; then REDIS_URL="redis://:$(cat "$secrets/valkey_password")@valkey:6379/0" && export REDIS_URL; fi
if given email; then EMAIL_PASSWORD=$(cat "$secrets/email_password") && export EMAIL_PASSWORD; fi

exec "$@"
