#!/bin/sh
# Makes the secrets of docker-compose.yml in ./var/secrets, once: what is there already stays as it is.
#
# Keep a copy of vault_key somewhere else than the database's backups: without it no stored PIN
# opens, and with both anybody opens them.
set -eu
cd "$(dirname "$0")/.."

# The directory keeps other users of this machine out; the files are read by the containers' users.
mkdir -p var/secrets
chmod 700 var/secrets
for name in secret_key vault_key postgres_password owner_password app_password sweep_password valkey_password; do
    if [ ! -s "var/secrets/$name" ]; then
        # Hexadecimal, because passwords become parts of addresses.
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"var/secrets/$name"
        chmod 644 "var/secrets/$name"
        echo "var/secrets/$name made"
    fi
done
# Vault keys that were in use before, one a line; empty until the key is changed (docs/security.md).
if [ ! -e var/secrets/vault_old_keys ]; then
    : >var/secrets/vault_old_keys
    chmod 644 var/secrets/vault_old_keys
    echo "var/secrets/vault_old_keys made, empty"
fi
# The mail server's password is the operator's to write; empty where it asks for none.
if [ ! -e var/secrets/email_password ]; then
    : >var/secrets/email_password
    chmod 644 var/secrets/email_password
    echo "var/secrets/email_password made, empty: write the mail server's password into it"
fi
