# Shared by the scripts: where the project is, and how to say things.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

# need COMMAND DEBIAN-PACKAGE: installs the package if the command is missing
# and this is a Debian where we may; else says what to install.
need() {
  command -v "$1" >/dev/null 2>&1 && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing $2"
    if [ -z "${APT_UPDATED:-}" ]; then apt-get update -qq >/dev/null && APT_UPDATED=1; fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    return 0
  fi
  echo "$1 is missing: install it (on Debian: apt-get install $2)" >&2
  return 1
}

# need_go: Go itself is never installed by a script.
need_go() {
  command -v go >/dev/null 2>&1 || { echo "go is missing: install Go $(sed -n 's/^go //p' go.mod) or newer from https://go.dev/dl/" >&2; exit 1; }
}

have_node() { command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; }

# binary sets FIELDCAST_BIN, if it is not set, to bin/fieldcast, built anew if
# the sources have changed since.
binary() {
  [ -n "${FIELDCAST_BIN:-}" ] && return 0
  if [ ! -x bin/fieldcast ] || [ -n "$(find . \( -name node_modules -o -name e2e -o -name '*_test.go' \) -prune -o \( -name '*.go' -o -name '*.sql' -o -name go.sum \) -newer bin/fieldcast -print -quit)" ]; then
    scripts/build
  fi
  export FIELDCAST_BIN="$PWD/bin/fieldcast"
}
