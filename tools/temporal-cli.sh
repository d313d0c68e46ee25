#!/bin/sh
# Prints the path of the Temporal CLI to use: TEMPORAL_CLI if set; else the one on PATH, if its built-in server is 1.27
# or newer (CLI 1.3.0 has 1.27.1); else bin/temporal, which `make bin/temporal` downloads or builds. It compares the
# version of the server, since a CLI built with plain `go install` reports its own version as 0.0.0-DEV.
set -eu

if [ -n "${TEMPORAL_CLI:-}" ]; then
	if ! found=$(command -v "$TEMPORAL_CLI"); then
		echo "TEMPORAL_CLI is set to $TEMPORAL_CLI, which is not an executable program: correct it or unset it" >&2
		exit 1
	fi
	case "$found" in
	/*) echo "$found" ;;
	*) echo "$PWD/$found" ;;
	esac
	exit 0
fi

if found=$(command -v temporal); then
	server=$(temporal --version 2>/dev/null | sed -n 's/.*Server \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	major=${server% *}
	minor=${server#* }
	if [ -n "$server" ] && { [ "$major" -gt 1 ] || [ "$minor" -ge 27 ]; }; then
		echo "$found"
		exit 0
	fi
fi

root=$(cd "$(dirname "$0")/.." && pwd)
echo "$root/bin/temporal"
