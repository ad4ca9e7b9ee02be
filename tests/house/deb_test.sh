#!/usr/bin/env bash
# Makes the .deb from the release build, asks lintian, and looks inside: everything is there, and the program runs from an
# unpacked copy.
#   deb_test.sh BUILD_DIRECTORY
set -euo pipefail
build=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

(cd "$build" && cpack -G DEB -B "$directory" >"$directory/cpack.log") || { cat "$directory/cpack.log" && exit 1; }
deb=$(find "$directory" -maxdepth 1 -name 'packferry_*.deb')

# Not told to anybody: that there is no bug number for the package's upload to Debian, which is not its way to users.
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$deb"

dpkg-deb -x "$deb" "$directory/root"
for file in bin/packferry share/man/man1/packferry.1.gz share/bash-completion/completions/packferry \
  lib/systemd/system/packferry.service lib/sysusers.d/packferry.conf \
  share/doc/packferry/{README.md,copyright,changelog.gz,docs/guarantees.md}; do
  [ -s "$directory/root/usr/$file" ] || { echo "deb: no /usr/$file" && exit 1; }
done
"$directory/root/usr/bin/packferry" --version
dpkg-deb -f "$deb" Package Version Depends
