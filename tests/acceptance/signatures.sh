#!/usr/bin/env bash
# What wirewatch signs, the Python package of Standard Webhooks verifies: also while a secret is rotated.
# needs: python3 python3-venv curl
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
world=
finish() {
    [ -z "$world" ] || kill "$world" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks
"$work/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -i standardwebhooks

secret() { echo "whsec_$(head -c 32 /dev/urandom | base64 -w0)"; }
old=$(secret) new=$(secret) other=$(secret)
port=18471

# Runs `wirewatch once` signing with $1 (TOML) against a receiver that verifies with $2; prints what it received.
deliver() {
    rm -rf "$work/home" && mkdir "$work/home"
    cat >"$work/home/wirewatch.toml" <<TOML
[daemon]
database = "w.db"
listen = "off"
[fetch]
allow_networks = ["127.0.0.1/32"]
[alerts]
first_poll = "alert"
[delivery]
retries = []
[feeds.f]
url = "http://127.0.0.1:$port/feed.xml"
[topics.t]
keywords = ["Pyongyang", "북한군"]
webhooks = ["w"]
[webhooks.w]
url = "http://127.0.0.1:$port/hook"
secret = $1
TOML
    cat >"$work/home/feed.xml" <<'XML'
<rss version="2.0"><channel><title>Wire</title>
<item><title>Pyongyang sends “3,000” soldiers &amp; more</title><guid>1</guid></item>
<item><title>북한군이 온다 🪖</title><guid>2</guid></item>
</channel></rss>
XML
    "$work/venv/bin/python" world.py "$port" "$work/home" "$2" &
    world=$!
    for _ in $(seq 100); do
        curl --silent --output /dev/null "http://127.0.0.1:$port/" && break
        sleep 0.1
    done
    (cd "$work/home" && "$WIREWATCH" once --config wirewatch.toml 2>log) || true
    kill "$world" && wait "$world" 2>/dev/null || true
    world=
    cat "$work/home/received"
}

verified() { grep -c '"verified": true' || true; }

one=$(deliver "\"$old\"" "$old" | tee /dev/stderr | verified)
[ "$one" = 2 ] || { echo "of two messages, $one were verified"; exit 1; }
echo 'both messages were verified'

for key in "$old" "$new"; do
    both=$(deliver "[\"$new\", \"$old\"]" "$key" | verified)
    [ "$both" = 2 ] || { echo "while the secret is rotated, $both of two were verified"; exit 1; }
done
echo 'while the secret is rotated, receivers with the old and with the new one verify'

wrong=$(deliver "\"$old\"" "$other" | verified)
[ "$wrong" = 0 ] || { echo 'a receiver with another secret accepted a message'; exit 1; }
echo 'a receiver with another secret refuses'
