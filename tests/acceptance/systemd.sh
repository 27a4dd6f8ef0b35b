#!/usr/bin/env bash
# The package under a real systemd, booted in a container: install, start, ready, deliver, reload, refuse, kill, hang, stop.
# needs: systemd-container mmdebstrap curl python3 util-linux procps
#
# The container has a network of its own with nothing but loopback; the feed and the receiver live in it, too.
set -euo pipefail
cd "$(dirname "$0")"
: "${DEB:?the package to install}"
suite=${SUITE:-bookworm}
[ "$(id -u)" = 0 ] || { echo 'systemd-nspawn needs root'; exit 1; }

name=wirewatch-acceptance-$$
work=$(mktemp -d /var/tmp/$name.XXXX)
root=$work/root
cache=../../target/acceptance/$suite.tar
nspawn= world=

# --- the container ---------------------------------------------------------------------------------------------------

leader() { pgrep -P "$nspawn" | head -1; }
inside() { nsenter -t "$(leader)" -a "$@"; }

# Where the host runs no systemd, the container's takes cgroups of its own.
groups() { for tree in systemd unified; do [ -d /sys/fs/cgroup/$tree ] && echo "/sys/fs/cgroup/$tree/$name"; done; }

boot() {
    mkdir -p "$(dirname "$cache")" "$root"
    [ -f "$cache" ] || {
        # It makes a directory of what does not end in .tar.
        local part=${cache%.tar}.part.tar
        mmdebstrap --quiet --variant=minbase \
            --include=systemd,systemd-sysv,dbus,procps,iproute2,adduser,ca-certificates,python3-minimal \
            "$suite" "$part"
        mv "$part" "$cache"
    }
    tar -C "$root" -xf "$cache" --exclude='./dev/*'
    for group in $(groups); do mkdir -p "$group"; done
    setsid bash -c '
        for group in "${@:3}"; do echo $$ >"$group/cgroup.procs"; done
        exec systemd-nspawn --quiet -D "$1" -M "$2" --register=no --keep-unit --private-network --link-journal=no \
            --resolv-conf=off --console=pipe --boot' - "$root" "$name" $(groups) </dev/null >"$work/console" 2>&1 &
    nspawn=$!
    for _ in $(seq 600); do
        [ -n "$(leader)" ] && inside systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && return
        sleep 0.05
    done
    cat "$work/console"
    fail 'systemd does not come up'
}

# Ends all that was started, and only that.
finish() {
    local status=$?
    set +e
    [ $status = 0 ] || inside journalctl --no-pager -u wirewatch -n 60 2>/dev/null
    [ -z "$world" ] || kill "$world" 2>/dev/null
    if [ -n "$nspawn" ] && [ -n "$(leader)" ]; then
        # SIGRTMIN+4: power off.
        local first; first=$(leader)
        kill -s $(($(kill -l RTMIN) + 4)) "$first"
        for _ in $(seq 200); do kill -0 "$first" 2>/dev/null || break; sleep 0.05; done
        kill -9 "$first" 2>/dev/null
        wait "$nspawn" 2>/dev/null
    fi
    for group in $(groups); do find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null; done
    rm -rf --one-file-system "$work"
    exit $status
}
trap finish EXIT

# --- telling and judging ---------------------------------------------------------------------------------------------

step() { echo; echo "== $*"; }
fail() { echo "FAILED: $*"; exit 1; }
show() { echo "\$ $*"; inside "$@" 2>&1 | sed 's/^/    /' || true; }
property() { inside systemctl show wirewatch -p "$1" --value; }
expect() { [ "$2" = "$3" ] || fail "$1: expected $3, got $2"; echo "$1: $2"; }

# Waits until a command succeeds.
within() {
    local seconds=$1; shift
    for _ in $(seq $((seconds * 10))); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
    fail "not within $seconds s: $*"
}
journal_has() { inside journalctl --no-pager -u wirewatch --since "@$since" | grep -qF -- "$1"; }
received() { grep -c "\"title\": \"$1\"" "$work/world/received"; }
mark() { since=$(date +%s); }

publish() { # all items so far, newest first
    items="<item><title>$1</title><guid>$2</guid></item>$items"
    printf '<rss version="2.0"><channel><title>Wire</title>%s</channel></rss>' "$items" >"$work/world/feed.part"
    mv "$work/world/feed.part" "$work/world/feed.xml"
}
items=

# --- the story -------------------------------------------------------------------------------------------------------

step 'a real systemd'
began=$(date +%s%N)
boot
echo "$(inside systemctl --version | head -1), up after $((($(date +%s%N) - began) / 1000000)) ms, root included"
mkdir "$work/world"
touch "$work/world/received"
publish 'Old news' 0
nsenter -t "$(leader)" -n python3 "$PWD/world.py" 8471 "$work/world" &
world=$!

step 'install'
cp "$DEB" "$root/opt/wirewatch.deb"
show dpkg -i /opt/wirewatch.deb
expect 'enabled' "$(inside systemctl is-enabled wirewatch || true)" disabled
expect 'started' "$(inside systemctl is-active wirewatch || true)" inactive
show ls -ld /etc/wirewatch /etc/wirewatch/wirewatch.toml
inside id wirewatch
inside systemd-analyze security wirewatch.service --no-pager | grep -E '✗|Overall'

step 'configure: a feed, a topic, a webhook whose address and secret only root can read'
inside find /etc/wirewatch/conf.d -name '*.toml' -delete
cat >"$root/etc/wirewatch/conf.d/desk.toml" <<'TOML'
[fetch]
interval = "1s"
min_interval = "1s"
per_host_delay = "0s"
allow_networks = ["127.0.0.1/32"]

[feeds.wire]
url = "http://127.0.0.1:8471/feed.xml"

[topics.troops]
keywords = ["troops"]
webhooks = ["desk"]

[webhooks.desk]
url_file    = "desk.url"
secret_file = "desk.whsec"
TOML
inside install -d -m 700 /etc/wirewatch/secrets.d
inside sh -c 'umask 077; echo http://127.0.0.1:8471/hook >/etc/wirewatch/secrets.d/desk.url'
inside sh -c 'umask 077; echo "whsec_$(head -c 32 /dev/urandom | base64 -w0)" >/etc/wirewatch/secrets.d/desk.whsec'
inside chgrp wirewatch /etc/wirewatch/conf.d/desk.toml

step 'a credential out of reach: a warning in check, an error in run, and no restart into it'
show wirewatch check
inside wirewatch check >/dev/null 2>&1 || fail 'check refuses what it only cannot see'
inside systemctl start wirewatch 2>&1 && fail 'it started without its credentials'
expect 'exit status' "$(property ExecMainStatus)" 78
expect 'restarts' "$(property NRestarts)" 0
expect 'state' "$(inside systemctl is-active wirewatch || true)" failed

step 'credentials through LoadCredential; start, ready'
mkdir -p "$root/etc/systemd/system/wirewatch.service.d"
cp ../../systemd/credentials.conf "$root/etc/systemd/system/wirewatch.service.d/"
printf '[Service]\nWatchdogSec=5\n' >"$root/etc/systemd/system/wirewatch.service.d/test.conf"
inside systemctl daemon-reload
began=$(date +%s%N)
inside systemctl start wirewatch
echo "ready after $((($(date +%s%N) - began) / 1000000)) ms"
expect 'state' "$(inside systemctl is-active wirewatch)" active
pid=$(property MainPID)
show systemctl status wirewatch --no-pager -n 0
inside systemctl status wirewatch --no-pager | grep -q 'Status: "watching 1 feed, 1 topic, 1 webhook"' || fail 'no status line'

step 'an alert is delivered, signed with the credential'
publish 'Fresh troops' 1
within 20 received 'Fresh troops'
show wirewatch alerts list
show wirewatch status
inside wirewatch status >/dev/null || fail 'status finds something wrong'
show ls -l /run/wirewatch

step 'the sandbox is in force'
for line in 'CapEff:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do
    inside grep -qF "$line" "/proc/$pid/status" || fail "not so: $line"
    echo "$line"
done
[ "$(inside stat -c %U "/proc/$pid")" = wirewatch ] || fail 'it does not run as wirewatch'
inside awk '$5 == "/" { options = $6 } END { exit options !~ /^ro/ }' "/proc/$pid/mountinfo" ||
    fail 'its file system can be written'
echo 'user wirewatch, file system read-only'

step 'reload: a topic more'
mark
cat >"$root/etc/wirewatch/conf.d/ships.toml" <<'TOML'
[topics.ships]
keywords = ["frigate"]
webhooks = ["desk"]
TOML
inside chgrp wirewatch /etc/wirewatch/conf.d/ships.toml
began=$(date +%s%N)
inside systemctl reload wirewatch
echo "reloaded after $((($(date +%s%N) - began) / 1000000)) ms"
within 5 journal_has 'configuration reloaded: 1 feed, 2 topics, 1 webhook (new topic: ships)'
expect 'process' "$(property MainPID)" "$pid"
publish 'A frigate leaves' 2
within 20 received 'A frigate leaves'

step 'reload: a mistake is refused, with its place, in the journal and in systemctl status; the old configuration goes on'
mark
sed -i 's/keywords/keyword/' "$root/etc/wirewatch/conf.d/ships.toml"
place=/etc/wirewatch/conf.d/ships.toml:2:1
if inside systemctl reload wirewatch; then fail 'systemctl reload says all is well'; fi
expect 'state' "$(inside systemctl is-active wirewatch)" active
expect 'process' "$(property MainPID)" "$pid"
within 5 journal_has "$place"
show journalctl --no-pager -o cat -u wirewatch --since "@$since"
inside systemctl status wirewatch --no-pager -n 0 | grep -F "$place" || fail 'systemctl status does not say where'
inside wirewatch reload && fail 'wirewatch reload says all is well'
expect 'wirewatch reload' "$(inside wirewatch reload >/dev/null 2>&1; echo $?)" 78
show wirewatch status
expect 'wirewatch status' "$(inside wirewatch status >/dev/null; echo $?)" 1
publish 'Another frigate' 3
within 20 received 'Another frigate'
sed -i 's/keyword/keywords/' "$root/etc/wirewatch/conf.d/ships.toml"
inside systemctl reload wirewatch
expect 'wirewatch status' "$(inside wirewatch status >/dev/null; echo $?)" 0

step 'kill -9, three times, while news comes in: started again, nothing lost, nothing told under two ids'
restarts=$(property NRestarts)
for round in 1 2 3; do
    for item in 1 2 3 4; do publish "Troops $round.$item" "k$round.$item"; sleep 0.$((RANDOM % 9 + 1)); done
    began=$(date +%s%N)
    inside systemctl kill -s KILL wirewatch
    within 20 sh -c "[ \"\$(nsenter -t $(leader) -a systemctl show wirewatch -p NRestarts --value)\" = $((restarts + round)) ]"
    within 20 inside systemctl is-active wirewatch
    echo "active again after $((($(date +%s%N) - began) / 1000000)) ms"
done
for round in 1 2 3; do for item in 1 2 3 4; do within 30 received "Troops $round.$item"; done; done
python3 - "$work/world/received" <<'PY'
import collections, json, sys
ids = collections.defaultdict(set)
lines = [json.loads(line) for line in open(sys.argv[1])]
for line in lines:
    ids[line["body"]["data"]["article"]["title"]].add(line["id"])
assert all(len(found) == 1 for found in ids.values()), ids
print(f"{len(ids)} alerts in {len(lines)} messages, each under one webhook-id")
PY

step 'a process that hangs is killed by the watchdog and started again'
mark
pid=$(property MainPID)
began=$(date +%s%N)
inside kill -STOP "$pid"
within 30 journal_has 'Watchdog timeout'
within 30 sh -c "[ \"\$(nsenter -t $(leader) -a systemctl show wirewatch -p MainPID --value)\" != $pid ]"
within 20 inside systemctl is-active wirewatch
echo "active again after $((($(date +%s%N) - began) / 1000000)) ms, WatchdogSec=5"
publish 'Troops after the hang' 5
within 20 received 'Troops after the hang'

step 'stop'
began=$(date +%s%N)
inside systemctl stop wirewatch
echo "stopped after $((($(date +%s%N) - began) / 1000000)) ms"
expect 'result' "$(property Result)" success
expect 'exit status' "$(property ExecMainStatus)" 0
inside test ! -e /run/wirewatch/wirewatch.sock || fail 'the socket is still there'
show wirewatch database check
expect 'wirewatch reload without a daemon' "$(inside wirewatch reload >/dev/null 2>&1; echo $?)" 1
show wirewatch reload

step 'a wrong configuration at the start: status 78, not restarted'
echo 'nonsense' >>"$root/etc/wirewatch/conf.d/ships.toml"
inside systemctl start wirewatch && fail 'it started'
sleep 3
expect 'exit status' "$(property ExecMainStatus)" 78
expect 'restarts' "$(property NRestarts)" 0
expect 'state' "$(inside systemctl is-active wirewatch || true)" failed

step 'purge'
show dpkg --purge wirewatch
for path in /etc/wirewatch/wirewatch.toml /var/lib/wirewatch /usr/bin/wirewatch /run/wirewatch; do
    inside test ! -e $path || fail "$path is still there"
done

echo
echo 'all as it should be'
