#!/usr/bin/env bash
# A real S3 server on loopback: Ceph's radosgw, over one monitor and one object server that keeps everything in memory.
# As root or as an ordinary user.
#
#   radosgw.sh start DIR [PID]   starts it and writes DIR/env; with PID, it ends when that process is gone
#   radosgw.sh stop DIR          ends it; harmless when there is none
#   radosgw.sh run COMMAND…      starts one for this command, with DIR/env in its environment
#
# DIR/env is for `source`:
#
#   FERRY_S3_ENDPOINT      http://127.0.0.1:PORT; with FERRY_S3_STS=1 around the start, it answers for STS too
#   FERRY_S3_TLS_ENDPOINT  https://127.0.0.1:PORT, to be trusted with FERRY_S3_CA_FILE
#   FERRY_S3_BUCKET        a bucket that is there
#   FERRY_S3_ACCESS_KEY    its owner, and FERRY_S3_SECRET_KEY
#   FERRY_S3_KMS_KEY       the id of a key that aws:kms encryption can use
#
# What it holds is gone with it. What it does otherwise than AWS is in docs/hosts.md.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
unset CEPH_CONF CEPH_ARGS http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY

ACCESS_KEY=ADAKEY00000000000001
SECRET_KEY=ada-secret/plus+slash=00000000000000000
BUCKET=ferry-backups

fail() {
  echo "radosgw: $*" >&2
  exit 1
}

# shellcheck source=/dev/null
source "$(dirname "$0")/sessions.sh"

# Asked politely, radosgw has taken a minute and a half to end; nothing of it is worth that.
stop_all() {
  local ours group
  mapfile -t ours < <(groups)
  for group in "${ours[@]}"; do kill -KILL -- "$group" 2>/dev/null || :; done
  rm -f "$DIR"/pids/*
}

# Without `mon client mode = crc secure` radosgw waits for an encryption that `auth none` cannot give.
write_conf() {
  cat >"$DIR/ceph.conf" <<CEPH
[global]
fsid = $FSID
mon host = [v2:127.0.0.1:$MON_PORT]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
ms bind port min = $OSD_PORT
ms bind port max = $((OSD_PORT + 50))
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc secure
run dir = $DIR/run
admin socket = $DIR/run/\$name.asok
log file = $DIR/log/\$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 5000
[mon]
mon data = $DIR/mon
mon data avail crit = 1
paxos propose interval = 0.05
[osd]
osd data = $DIR/osd
osd objectstore = memstore
memstore device bytes = 4294967296
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$RGW_PORT ssl_endpoint=127.0.0.1:$TLS_PORT ssl_certificate=$DIR/tls/server.pem
rgw dns name = localhost
rgw thread pool size = 64
rgw gc obj min wait = 1
rgw gc processor period = 5
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ferry-key=$(printf '%032d' 7 | base64)
CEPH
  [ -z "${FERRY_S3_STS:-}" ] || printf '%s\n' 'rgw s3 auth use sts = true' 'rgw sts key = sixteen-letters!' >>"$DIR/ceph.conf"
}

# Until a command succeeds, while this server runs.
wait_for() {
  local name=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    is_running "$name" || return 1
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

ceph_here() { ceph -c "$DIR/ceph.conf" --connect-timeout 5 "$@"; }
osd_is_up() { ceph_here osd stat 2>/dev/null | grep -q '1 up'; }
start_once() {
  local conf=(-c "$DIR/ceph.conf")
  FSID=$(</proc/sys/kernel/random/uuid)
  OSD_UUID=$(</proc/sys/kernel/random/uuid)
  read -r MON_PORT OSD_PORT RGW_PORT TLS_PORT < <(free_ports 4)
  [ "$OSD_PORT" -le 65000 ] || return 1
  write_conf
  {
    monmaptool --create --fsid "$FSID" --addv a "[v2:127.0.0.1:$MON_PORT]" "$DIR/monmap"
    ceph-mon -i a --mkfs --monmap "$DIR/monmap" "${conf[@]}"
  } >"$DIR/log/mkfs.log" 2>&1 || return 1
  launch mon ceph-mon -i a "${conf[@]}" -f
  wait_for mon ceph_here mon stat || return 1
  {
    ceph_here osd new "$OSD_UUID" 0
    ceph-osd -i 0 --mkfs --osd-uuid "$OSD_UUID" "${conf[@]}"
  } >>"$DIR/log/mkfs.log" 2>&1 || return 1
  launch osd ceph-osd -i 0 "${conf[@]}" -f
  wait_for osd osd_is_up || return 1
  launch rgw radosgw -n client.rgw "${conf[@]}" -f
  wait_for rgw answers "$RGW_PORT" || return 1
  radosgw-admin -n client.rgw "${conf[@]}" user create --uid=ada --display-name=Ada --access-key="$ACCESS_KEY" \
    --secret="$SECRET_KEY" >"$DIR/log/admin.log" 2>&1 || return 1
  curl -sf --noproxy '*' --aws-sigv4 aws:amz:us-east-1:s3 --user "$ACCESS_KEY:$SECRET_KEY" \
    -H "x-amz-content-sha256: $(printf '' | sha256sum | cut -d' ' -f1)" -X PUT "http://127.0.0.1:$RGW_PORT/$BUCKET" || return 1
}

start() {
  local missing=() tool owner=${1:-} attempt
  for tool in ceph-mon ceph-osd radosgw radosgw-admin monmaptool ceph curl openssl python3; do
    command -v $tool >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} = 0 ] || fail "not installed: ${missing[*]}; run scripts/bootstrap test"
  # The address of a Unix socket has 108 bytes at most.
  [ ${#DIR} -le 80 ] || fail "the path of the directory is longer than 80 bytes: $DIR"

  # Ports are free when we ask and may be taken when a server comes to bind them; then all of it is tried again.
  for attempt in 1 2 3; do
    stop_all
    rm -rf "${DIR:?}"/{mon,osd,run,log,pids,tls,monmap,env}
    mkdir -p "$DIR"/{mon,osd,run,log,pids,tls}
    chmod 700 "$DIR"
    make_certificates
    cat "$DIR"/tls/server.{key,crt} >"$DIR/tls/server.pem"
    if start_once; then
      cat >"$DIR/env" <<ENV
FERRY_S3_ENDPOINT='http://127.0.0.1:$RGW_PORT'
FERRY_S3_TLS_ENDPOINT='https://127.0.0.1:$TLS_PORT'
FERRY_S3_CA_FILE='$DIR/tls/ca.pem'
FERRY_S3_BUCKET='$BUCKET'
FERRY_S3_ACCESS_KEY='$ACCESS_KEY'
FERRY_S3_SECRET_KEY='$SECRET_KEY'
FERRY_S3_KMS_KEY='ferry-key'
ENV
      [ -z "$owner" ] || launch follower "$0" follow "$DIR" "$owner"
      return
    fi
  done
  tail -n 5 "$DIR"/log/*.log >&2
  stop_all
  fail "could not be started in $attempt attempts"
}

run() {
  DIR=$(mktemp -d)
  trap 'stop_all; rm -rf "$DIR"' EXIT
  start $$
  set -a
  # shellcheck disable=SC1091  # written by start
  . "$DIR/env"
  set +a
  "$@"
}

[ $# -ge 2 ] || fail "usage: radosgw.sh start DIR [PID] | radosgw.sh stop DIR | radosgw.sh run COMMAND…"
verb=$1
if [ "$verb" = run ]; then
  shift
  run "$@"
  exit
fi
[ "$verb" != start ] || mkdir -p "$2"
[ -d "$2" ] || exit 0
DIR=$(cd "$2" && pwd -P)
case $verb in
  start) start "${3:-}" ;;
  stop) stop_all ;;
  follow)
    tail --pid="$3" -f /dev/null
    stop_all
    ;;
  *) fail "no such verb: $verb" ;;
esac
