# shellcheck shell=bash
# What servers.sh and radosgw.sh share: servers in sessions of their own, known by pid and start time. They write to
# $DIR/log and $DIR/pids.

# A pid alone may have been given to somebody else by now; together with its start time it may not.
start_time_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Starts a command in a session of its own, so that whatever it forks ends with it.
launch() {
  local name=$1
  shift
  setsid "$@" </dev/null >"$DIR/log/$name.log" 2>&1 &
  echo "$! $(start_time_of $!)" >"$DIR/pids/$name"
  disown  # the shell need not report its death
}

is_running() {
  local pid started
  read -r pid started <"$DIR/pids/$1"
  [ "$(start_time_of "$pid")" = "$started" ]
}

# The process groups that are ours and still there; not our own, when the follower is the one who asks.
groups() {
  local file pid started
  for file in "$DIR"/pids/*; do
    [ -f "$file" ] || continue
    read -r pid started <"$file"
    if [ -n "$started" ] && [ "$pid" != $$ ] && [ "$(start_time_of "$pid")" = "$started" ]; then echo "-$pid"; fi
  done
}

free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))
PY
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# $DIR/tls/server.key and .crt for this machine, of a CA of our own: ca.pem.
make_certificates() {
  local new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  (
    cd "$DIR/tls" || exit
    openssl req -x509 "${new_key[@]}" -days 30 -keyout ca.key -out ca.pem -subj "/CN=Packferry test CA" \
      -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
    openssl req "${new_key[@]}" -keyout server.key -out server.csr -subj /CN=localhost
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt
  ) 2>"$DIR/log/openssl.log"
}
