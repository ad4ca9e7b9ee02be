#!/usr/bin/env bash
# Tries packaging/completion/packferry in a bash with bash-completion, as a person at a prompt would.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC1091
source /usr/share/bash-completion/bash_completion
# shellcheck source=/dev/null
source packaging/completion/packferry

# What is offered after these words; the last one is what has been typed of the word to complete.
offers() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMP_LINE="$*"
  COMP_POINT=${#COMP_LINE}
  COMPREPLY=()
  _packferry
  printf '%s\n' "${COMPREPLY[@]}"
}

expect() {
  local wanted=$1
  shift
  local offered
  offered=$(offers "$@")
  grep -qxe "$wanted" <<<"$offered" || {
    echo "completion: after \"$*\": no \"$wanted\" among: $offered"
    exit 1
  }
}

expect replicate packferry ''
expect replicate packferry rep
expect --version packferry --
expect --allow-deletions packferry replicate --allow
expect --exclude packferry compare a --ex
expect fast-forward packferry replicate --policy f
expect never packferry refs --color n
expect src packferry replicate sr
expect snapshots packferry sn
expect zip packferry backup --format z
expect grafana packferry setup --format g
expect monitors packferry setup mo
expect drill packferry verify --level d
expect src packferry backup a --to sr
expect --keep-within packferry prune --keep-w
expect check packferry config ''
expect bitbucket-server packferry config example bitb
expect --confirm-all packferry sweep fleet.toml --conf
expect rebuild packferry catalogue ''
if grep -q allow <<<"$(offers packferry refs --al)"; then echo "completion: refs takes no --allow-…" && exit 1; fi

# The manual, the completion and --help know the same long options.
commands=$(offers packferry '' | grep -v '^--')
offered=$({ offers packferry -- && for each in $commands; do offers packferry "$each" --; done; } | grep '^--' | sort -u)
same_as_offered() {
  diff <(sort -u) <(echo "$offered") || { echo "completion: $1 (<) and the completion (>) differ" && exit 1; }
}
grep -E '^\.It Fl ' packaging/man/packferry.1 | grep -oE ' -[a-z][a-z-]+' | sed 's/ -/--/' | same_as_offered "the manual"
if [ -n "${PACKFERRY:-}" ]; then
  { "$PACKFERRY" --help && for each in $commands; do "$PACKFERRY" "$each" --help; done; } |
    grep -oE -- '--[a-z][a-z-]+' | { cat && echo --help; } | same_as_offered "packferry --help"
  for each in $commands; do
    diff <("$PACKFERRY" "$each" --help | grep -oE -- '--[a-z][a-z-]+' | { cat && echo --help; } | sort -u) \
      <(offers packferry "$each" -- | sort -u) || { echo "completion: $each --help (<) and the completion (>) differ" && exit 1; }
  done
fi
