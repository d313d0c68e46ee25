#!/bin/sh
# Makes the signatures here anew with this machine's ssh-keygen. The private keys are thrown away.
set -eu
cd "$(dirname "$0")"
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
: >allowed_signers
for type in ed25519 ecdsa rsa revoked; do
	case $type in
	rsa) ssh-keygen -q -t rsa -b 3072 -N '' -C carol@example.com -f "$keys/$type" ;;
	revoked) ssh-keygen -q -t ed25519 -N '' -C carol@example.com -f "$keys/$type" ;;
	*) ssh-keygen -q -t "$type" -N '' -C carol@example.com -f "$keys/$type" ;;
	esac
	echo "carol@example.com namespaces=\"sentinelone-provisioner\" $(cat "$keys/$type.pub")" >>allowed_signers
	ssh-keygen -q -Y sign -n sentinelone-provisioner -f "$keys/$type" <statement >"$type.sig"
done
ssh-keygen -q -Y sign -n sentinelone-provisioner -O hashalg=sha256 -f "$keys/rsa" <statement >rsa-sha256.sig
ssh-keygen -q -Y sign -n file -f "$keys/ed25519" <statement >namespace-file.sig
cp "$keys/revoked.pub" revoked
