#!/usr/bin/env bash
# Real Git servers on loopback, for integration tests and benches. As root or as an ordinary user.
#
#   servers.sh start DIR [PID]   starts them and writes DIR/env; with PID, they end when that process is gone
#   servers.sh stop DIR          ends them; harmless when there are none
#
# Repositories go to DIR/repos/NAME.git. DIR/env is for `source`, and tells where they are found:
#
#   FERRY_REPOS         the directory itself
#   FERRY_HTTP_OPEN     no password for anything
#   FERRY_HTTP_V0       the same, and the server only speaks protocol version 0
#   FERRY_HTTP_COUNTED  the same, and request bodies must have a Content-Length (411 otherwise)
#   FERRY_HTTP_PUSHAUTH reading is free, pushing asks for a password
#   FERRY_HTTP_PRIVATE  everything asks for a password: alice, s3cret
#   FERRY_HTTP_BUSY     always 503 with Retry-After
#   FERRY_HTTP_LOGIN    always 200 with a login page
#   FERRY_HTTPS_OPEN    as FERRY_HTTP_OPEN, with a certificate of FERRY_CA_FILE for localhost
#   FERRY_HTTPS_PRIVATE as FERRY_HTTP_PRIVATE
#   FERRY_SSH           with FERRY_SSH_COMMAND; FERRY_SSH_COMMAND_V0 gets protocol version 0, …_READONLY may not push,
#                       …_STRANGER does not know the host key
#   FERRY_GIT           git daemon, reading only
#   FERRY_ACCESS_LOG    one line a request: method, path, status, bytes received, bytes sent
set -euo pipefail

# What a user's environment says about proxies, certificates and git is not about these servers.
unset GIT_SSL_CAINFO SSL_CERT_FILE CURL_CA_BUNDLE GIT_DIR GIT_WORK_TREE GIT_CONFIG_COUNT GIT_PROTOCOL
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
PATH=$PATH:/usr/sbin:/sbin

fail() {
  echo "servers: $*" >&2
  exit 1
}

# shellcheck source=/dev/null
source "$(dirname "$0")/sessions.sh"

stop_all() {
  local ours group deadline=$((SECONDS + 5))
  mapfile -t ours < <(groups)
  for group in "${ours[@]}"; do kill -TERM -- "$group" 2>/dev/null || :; done
  for group in "${ours[@]}"; do
    while kill -0 -- "$group" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
    kill -KILL -- "$group" 2>/dev/null || :
  done
  rm -f "$DIR"/pids/*
}

write_nginx_conf() {
  local user_line=
  [ "$(id -u)" != 0 ] || user_line="user root;"
  # The backend looks up repositories below GIT_PROJECT_ROOT by PATH_INFO; the first part of the path says which rules hold.
  cat >"$DIR/nginx.conf" <<NGINX
$user_line
worker_processes 1; daemon off; pid $DIR/tmp/nginx.pid; error_log $DIR/log/nginx-error.log;
events { worker_connections 1024; }
http {
  log_format requests '\$request_method \$request_uri \$status \$request_length \$bytes_sent';
  access_log $DIR/log/access.log requests;
  client_max_body_size 0;
  client_body_temp_path $DIR/tmp/body; proxy_temp_path $DIR/tmp/proxy; fastcgi_temp_path $DIR/tmp/fastcgi;
  uwsgi_temp_path $DIR/tmp/uwsgi; scgi_temp_path $DIR/tmp/scgi;
  map \$uri\$is_args\$args \$realm { default off; ~^/private/ git; "~^/pushauth/.*git-receive-pack" git; }
  map \$uri \$protocol { default \$http_git_protocol; ~^/v0/ ""; }
  map "\$uri \$http_transfer_encoding" \$uncounted { default 0; "~*^/counted/.* chunked" 1; }
  server {
    listen 127.0.0.1:$HTTP_PORT;
    listen 127.0.0.1:$HTTPS_PORT ssl;
    ssl_certificate $DIR/tls/server.crt; ssl_certificate_key $DIR/tls/server.key;
    root $DIR/tmp;
    location ~ ^/(open|v0|counted|pushauth|private)(?<gitpath>/.*/(HEAD|info/refs|objects/.*|git-(upload|receive)-pack))\$ {
      if (\$uncounted) { return 411; }
      auth_basic \$realm; auth_basic_user_file $DIR/htpasswd;
      fastcgi_pass unix:$DIR/tmp/fcgi.sock;
      fastcgi_param QUERY_STRING \$query_string; fastcgi_param REQUEST_METHOD \$request_method;
      fastcgi_param CONTENT_TYPE \$content_type; fastcgi_param CONTENT_LENGTH \$content_length;
      fastcgi_param HTTP_CONTENT_ENCODING \$http_content_encoding;
      fastcgi_param REMOTE_ADDR \$remote_addr; fastcgi_param REMOTE_USER \$remote_user;
      fastcgi_param SCRIPT_FILENAME $BACKEND; fastcgi_param PATH_INFO \$gitpath;
      fastcgi_param GIT_PROJECT_ROOT $DIR/repos; fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_PROTOCOL \$protocol; fastcgi_param HOME $DIR/home; fastcgi_param GIT_CONFIG_NOSYSTEM 1;
      fastcgi_request_buffering off; fastcgi_buffering off; fastcgi_read_timeout 600s;
    }
    location /busy/ { add_header Retry-After 2 always; return 503; }
    location /login/ { default_type text/html; return 200 "<html><title>Sign in</title></html>"; }
  }
}
NGINX
}

write_sshd_files() {
  # shellcheck disable=SC2016  # $SSH_ORIGINAL_COMMAND is sshd's to fill in
  local key run='exec git-shell -c \"$SSH_ORIGINAL_COMMAND\"'
  for key in hostkey stranger id_rw id_v0 id_ro; do
    ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$DIR/ssh/$key"
  done
  local home="HOME=$DIR/home GIT_CONFIG_NOSYSTEM=1"
  {
    printf 'restrict,command="%s %s" %s\n' "export $home;" "$run" "$(<"$DIR/ssh/id_rw.pub")"
    printf 'restrict,command="%s %s" %s\n' "export $home; unset GIT_PROTOCOL;" "$run" "$(<"$DIR/ssh/id_v0.pub")"
    # shellcheck disable=SC2016
    printf 'restrict,command="%s case \\"$SSH_ORIGINAL_COMMAND\\" in git-upload-pack*) %s;; esac; echo read-only key >&2; exit 77" %s\n' \
      "export $home;" "$run" "$(<"$DIR/ssh/id_ro.pub")"
  } >"$DIR/ssh/authorized_keys"
  cat >"$DIR/ssh/sshd_config" <<SSHD
Port $SSH_PORT
ListenAddress 127.0.0.1
HostKey $DIR/ssh/hostkey
PidFile none
AuthorizedKeysFile $DIR/ssh/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
MaxStartups 200:30:400
SSHD
  printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cut -d' ' -f1,2 "$DIR/ssh/hostkey.pub")" >"$DIR/ssh/known_hosts"
  printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cut -d' ' -f1,2 "$DIR/ssh/stranger.pub")" >"$DIR/ssh/known_hosts_stranger"
}

write_env() {
  local ssh="ssh -F /dev/null -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes"
  local known="-o UserKnownHostsFile=$DIR/ssh/known_hosts"
  local http=http://127.0.0.1:$HTTP_PORT https=https://localhost:$HTTPS_PORT
  cat >"$DIR/env" <<ENV
FERRY_REPOS='$DIR/repos'
FERRY_HTTP_OPEN='$http/open'
FERRY_HTTP_V0='$http/v0'
FERRY_HTTP_COUNTED='$http/counted'
FERRY_HTTP_PUSHAUTH='$http/pushauth'
FERRY_HTTP_PRIVATE='$http/private'
FERRY_HTTP_BUSY='$http/busy'
FERRY_HTTP_LOGIN='$http/login'
FERRY_HTTPS_OPEN='$https/open'
FERRY_HTTPS_PRIVATE='$https/private'
FERRY_CA_FILE='$DIR/tls/ca.pem'
FERRY_SSH='ssh://$(id -un)@127.0.0.1:$SSH_PORT$DIR/repos'
FERRY_SSH_COMMAND='$ssh $known -i $DIR/ssh/id_rw'
FERRY_SSH_COMMAND_V0='$ssh $known -i $DIR/ssh/id_v0'
FERRY_SSH_COMMAND_READONLY='$ssh $known -i $DIR/ssh/id_ro'
FERRY_SSH_COMMAND_STRANGER='$ssh -o UserKnownHostsFile=$DIR/ssh/known_hosts_stranger -i $DIR/ssh/id_rw'
FERRY_GIT='git://127.0.0.1:$GIT_PORT'
FERRY_ACCESS_LOG='$DIR/log/access.log'
ENV
}

# Ports are free when we ask and may be taken when a server comes to bind them; then all of it is tried again.
start_once() {
  read -r HTTP_PORT HTTPS_PORT SSH_PORT GIT_PORT < <(free_ports 4)
  write_nginx_conf
  write_sshd_files
  [ "$(id -u)" != 0 ] || mkdir -p /run/sshd

  launch fcgiwrap fcgiwrap -c 16 -s "unix:$DIR/tmp/fcgi.sock" -p "$BACKEND"
  launch nginx nginx -p "$DIR" -c "$DIR/nginx.conf"
  launch sshd "$(command -v sshd)" -D -e -f "$DIR/ssh/sshd_config"
  launch git-daemon env "HOME=$DIR/home" GIT_CONFIG_NOSYSTEM=1 git daemon --listen=127.0.0.1 --port="$GIT_PORT" \
    --base-path="$DIR/repos" --export-all

  local deadline=$((SECONDS + 20)) name
  until [ -S "$DIR/tmp/fcgi.sock" ] && answers "$HTTP_PORT" && answers "$HTTPS_PORT" && answers "$SSH_PORT" &&
    answers "$GIT_PORT"; do
    for name in fcgiwrap nginx sshd git-daemon; do is_running $name || return 1; done
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

start() {
  local missing=() tool owner=${1:-}
  for tool in nginx fcgiwrap sshd ssh-keygen openssl git python3; do
    command -v $tool >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} = 0 ] || fail "not installed: ${missing[*]}; run scripts/bootstrap test"
  BACKEND=${FERRY_HTTP_BACKEND:-$(git --exec-path)/git-http-backend}
  # The address of a Unix socket has 108 bytes at most.
  [ ${#DIR} -le 90 ] || fail "the path of the directory is longer than 90 bytes: $DIR"

  stop_all
  rm -rf "${DIR:?}"/{log,pids,tls,tmp,ssh,home}
  mkdir -p "$DIR"/{repos,log,pids,tls,tmp,ssh,home}
  chmod 700 "$DIR"
  printf 'alice:%s\n' "$(openssl passwd -apr1 s3cret)" >"$DIR/htpasswd"
  printf '[safe]\n\tdirectory = *\n[http]\n\treceivepack = true\n[uploadpack]\n\tallowFilter = true\n' >"$DIR/home/.gitconfig"
  make_certificates

  local attempt
  for attempt in 1 2 3 4 5; do
    if start_once; then
      write_env
      [ -z "$owner" ] || launch follower "$0" follow "$DIR" "$owner"
      return
    fi
    stop_all
    rm -f "$DIR"/ssh/* "$DIR"/tmp/fcgi.sock
  done
  tail -n 5 "$DIR"/log/*.log >&2
  fail "could not be started in $attempt attempts"
}

[ $# -ge 2 ] || fail "usage: servers.sh start DIR [PID] | servers.sh stop DIR"
verb=$1
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
