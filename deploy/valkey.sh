#!/bin/sh
# Starts Valkey as a broker: nothing is thrown away when memory is short, and what was queued survives
# a restart. The password goes in by a file, since a command line can be read by every process.
set -eu

umask 077
conf=${TMPDIR:-/tmp}/valkey.conf
cat >"$conf" <<EOF
requirepass $(cat "${SECRETS_DIR:-/run/secrets}/valkey_password")
maxmemory 256mb
maxmemory-policy noeviction
appendonly yes
save ""
EOF
exec valkey-server "$conf" "$@"
