#!/usr/bin/env bash
# git http-backend for servers.sh (FERRY_HTTP_BACKEND), with what the file "fault" in a repository says to be wrong with it:
#
#   error, forbidden   500, 403             malformed   what it offers is no protocol
#   stall              it says nothing      full        no file can be made that has more than 4 KiB
#   cut                a pack ends in its middle
#
# What is said in protocol 2 to read a repository is in a file of its own, $HOME/said/GROUP+NAME.git.PID. For what is wrong with
# packs, this program is git's uploadpack.packObjectsHook, too.

fault_of() { cat "$1/fault" 2>/dev/null; }

say() { printf 'Status: %s\r\nContent-Type: %s\r\n\r\n%s' "$@"; }

if [ "$1" = git ]; then
  if [ "$(fault_of .)" = cut ]; then "$@" | head -c 2000; else exec "$@"; fi
  exit
fi

repository=$GIT_PROJECT_ROOT${PATH_INFO%%.git/*}.git
if [[ $PATH_INFO == *.git/git-upload-pack ]]; then
  name=${repository#"$GIT_PROJECT_ROOT"/*/}
  export GIT_TRACE_PACKET=$HOME/said/${name//\//+}.$$
fi
case $(fault_of "$repository") in
  error) say '500 Internal Server Error' text/plain 'out of luck' ;;
  forbidden) say '403 Forbidden' text/plain 'not you' ;;
  stall) exec sleep 100 2>/dev/null ;;
  malformed) say '200 OK' "application/x-${QUERY_STRING#service=}-advertisement" '00zz# service=' ;;
  full)
    trap '' XFSZ
    ulimit -f 4
    exec git http-backend
    ;;
  *) exec git http-backend ;;
esac
