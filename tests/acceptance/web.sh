#!/usr/bin/env bash
# The status page in a real browser: it loads, refreshes itself, is searched, shows hostile titles as text, breaks no rule
# of its Content-Security-Policy and logs no error; by mouse, by keyboard, without scripts, on a telephone, in the dark.
# Installs chromium and fonts where they are missing (Debian, as root). Screenshots go to the directory named, else nowhere.
#
#   tests/acceptance/web.sh [DIRECTORY FOR SCREENSHOTS]
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v chromium >/dev/null || [ -z "$(fc-list :lang=ko 2>/dev/null)" ]; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        chromium fontconfig fonts-noto-cjk fonts-noto-core python3
fi

# The program: the one named, else one built here.
if [ -z "${WIREWATCH:-}" ]; then
    cargo build --locked
    WIREWATCH=${CARGO_TARGET_DIR:-target}/debug/wirewatch
fi
exec python3 tests/acceptance/web/check.py "$(realpath "$WIREWATCH")" "$@"
