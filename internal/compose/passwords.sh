#!/bin/sh
# Writes the database passwords that docker-compose.yaml asks for into .env, each made at random, readable by its owner
# only. It changes no password that is there.
set -eu
cd "$(dirname "$0")/../.."
umask 077
touch .env
chmod 600 .env
for name in POSTGRES_PASSWORD TEMPORAL_DB_PASSWORD LEDGER_DB_PASSWORD; do
	grep -q "^$name=." .env && continue
	# Hexadecimal, since one of them is part of a URL.
	printf '%s=%s\n' "$name" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >>.env
done
echo "database passwords are in .env"
