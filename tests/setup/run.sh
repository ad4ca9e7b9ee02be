#!/usr/bin/env bash
# Installs the checkers of package-lock.json into a directory, and shows them the documents of setup, and the schema of the
# configuration with its examples.
#   run.sh DIRECTORY DOCUMENTS SCHEMA EXAMPLES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
documents=$(cd "$2" && pwd)
schema=$(realpath "$3")
examples=$(cd "$4" && pwd)

mkdir -p "$directory"
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$directory"
cd "$directory"
# Installed once for each lock file; half an installation is none.
if ! cmp --silent package-lock.json installed-lock.json; then
  rm -rf node_modules installed-lock.json
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json installed-lock.json
fi
SETUP_DOCUMENTS=$documents CONFIG_SCHEMA=$schema CONFIG_EXAMPLES=$examples exec node --test checks.test.mjs config.test.mjs
