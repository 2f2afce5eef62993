#!/bin/sh
# Makes the key fixtures of this folder anew, with GnuPG 2.2 or newer. Run it here; commit what it writes.
# The keys are for tests only: their secret parts are public.
set -eu
home=$(mktemp -d)
trap 'gpgconf --homedir "$home" --kill all; rm -rf "$home"' EXIT
at() { # at TIME ARGUMENTS...: gpg as if it were TIME
    time=$1
    shift
    gpg --homedir "$home" --batch --quiet --yes --no-tty --passphrase '' --pinentry-mode loopback \
        --faked-system-time "$time!" --no-auto-check-trustdb --trust-model always "$@"
}
key() { # key NAME: the fingerprint of its primary key
    gpg --homedir "$home" --batch --no-auto-check-trustdb --with-colons --list-keys "=$1" | awk -F: '/^fpr/ { print $10; exit }'
}
sign() { # sign TIME NAME FILE ARGUMENTS...
    time=$1 name=$2 file=$3
    shift 3
    at "$time" --local-user "$(key "$name")" --output "$file" --detach-sign "$@" data.bin
}

printf 'an archive, as far as a signature is concerned\r\nwith two lines\n' > data.bin

# Secret keys that the tests sign with themselves: making an RSA key takes seconds in a debug build.
for bits in 2048 3072 4096; do
    at 20250101T000000 --quick-generate-key "rsa$bits" "rsa$bits" sign never
    at 20250101T000000 --armor --output "rsa$bits-secret.asc" --export-secret-keys "$(key "rsa$bits")"
done

# RSA 4096 as Digdir's: one key that certifies and signs.
sign 20250601T000000 rsa4096 gpg-rsa4096.sig
sign 20250601T000000 rsa4096 gpg-rsa4096-armoured.asc --armor
sign 20250601T000000 rsa4096 gpg-rsa4096-sha1.sig --digest-algo SHA1
sign 20250601T000000 rsa4096 gpg-rsa4096-text.sig --textmode
sign 20250601T000000 rsa4096 gpg-rsa4096-ends.sig --default-sig-expire 2025-12-01
at 20250601T000000 --output gpg-rsa4096.pgp --export "$(key rsa4096)"

# Ed25519 with a signing subkey.
at 20250101T000000 --quick-generate-key ed25519 ed25519 cert never
at 20250101T000000 --quick-add-key "$(key ed25519)" ed25519 sign never
sign 20250601T000000 ed25519 gpg-ed25519-subkey.sig
at 20250601T000000 --armor --output gpg-ed25519.asc --export "$(key ed25519)"

# A key that expires, and the same one refreshed. GnuPG throws the older self-signature away.
at 20250101T000000 --quick-generate-key expiring ed25519 sign 2026-01-01
sign 20250601T000000 expiring gpg-expiring.sig
at 20250601T000000 --armor --output gpg-expiring.asc --export "$(key expiring)"
at 20260601T000000 --quick-set-expire "$(key expiring)" 2031-01-01
at 20260601T000000 --armor --output gpg-expiring-refreshed.asc --export "$(key expiring)"
sign 20260601T000000 expiring gpg-expiring-later.sig

# A key that is revoked: its certificate before, and the revocation alone, as it lies in a safe.
at 20250101T000000 --quick-generate-key revoked ed25519 sign never
sign 20250601T000000 revoked gpg-revoked.sig
at 20250601T000000 --armor --output gpg-revoked-before.asc --export "$(key revoked)"
sed 's/^:-----BEGIN/-----BEGIN/' "$home/openpgp-revocs.d/$(key revoked).rev" > gpg-revoked-alone.asc
at 20260101T000000 --import gpg-revoked-alone.asc
at 20260101T000000 --armor --output gpg-revoked.asc --export "$(key revoked)"

# ECDSA on a NIST curve.
at 20250101T000000 --quick-generate-key nistp256 nistp256 sign never
sign 20250601T000000 nistp256 gpg-nistp256.sig
at 20250601T000000 --armor --output gpg-nistp256.asc --export "$(key nistp256)"
