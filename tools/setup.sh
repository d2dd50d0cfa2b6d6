#!/bin/sh
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: tools/setup.sh test|dev    from the top of the clone
#
# Makes .venv with what requirements-<set>.txt lists. Does nothing, and needs no network, when that was done already.
# PYTHON names the interpreter to take; without it the newest suitable one on PATH is taken.
set -eu

MINIMUM='Python >= 3.10 with the modules venv and ensurepip'

# What is wrong with an interpreter, as a phrase; nothing when it will do.
fault_of() {
    "$1" - 2>/dev/null <<'PY' || echo "does not run"
import sys
if sys.version_info < (3, 10):
    print("is Python %d.%d, too old" % sys.version_info[:2])
else:
    try:
        import ctypes, ensurepip, ssl, venv
    except ImportError as error:
        print("is Python %d.%d without the module %s" % (sys.version_info[0], sys.version_info[1], error.name))
PY
}

give_up() {
    cat >&2 <<EOF
setup: no usable Python was found. This project needs $MINIMUM; looked at: $1.
Install one (Debian or Ubuntu: apt-get install python3 python3-venv; Fedora or RHEL: dnf install python3.12;
macOS: brew install python@3.12), or name another with: make setup PYTHON=/path/to/python3
EOF
    exit 1
}

pick_python() {
    if [ -n "${PYTHON:-}" ]; then
        fault=$(fault_of "$PYTHON")
        [ -z "$fault" ] || give_up "PYTHON=$PYTHON, which $fault"
        echo "$PYTHON"
        return
    fi
    looked=
    for name in python3.13 python3.12 python3.11 python3.10 python3; do
        command -v "$name" >/dev/null 2>&1 || continue
        fault=$(fault_of "$name")
        if [ -z "$fault" ]; then
            echo "$name"
            return
        fi
        looked="${looked:+$looked; }$name, which $fault"
    done
    give_up "${looked:-python3.13 to python3.10 and python3, none of which is on PATH}"
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

case "${1:-}" in
    test) set_files='requirements.txt tests/unit/requirements.txt requirements-test.txt' ;;
    dev) set_files='requirements.txt tests/unit/requirements.txt requirements-test.txt requirements-dev.txt' ;;
    *) echo 'usage: tools/setup.sh test|dev' >&2; exit 2 ;;
esac

# The place is part of the stamp because the programs in a venv hold its path: a clone that was moved is set up anew.
# shellcheck disable=SC2086  # a list of plain names
stamp="$(pwd -P) $(cat $set_files | cksum)"
stamp_file=.venv/.installed-$1
have=$(version_of .venv/bin/python)
wanted=$have
[ -z "${PYTHON:-}" ] || wanted=$(version_of "$PYTHON")

if [ -n "$have" ] && [ "$have" = "$wanted" ] && [ "$(cat "$stamp_file" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi

here=$(pwd -P)
export PIP_CACHE_DIR="$here/.cache/pip" UV_CACHE_DIR="$here/.cache/uv" PIP_DISABLE_PIP_VERSION_CHECK=1
# pip asks rustc for its version, and the rustc of rustup makes a folder in HOME where there is none yet.
[ -d "${RUSTUP_HOME:-${HOME:-}/.rustup}" ] || export RUSTUP_HOME="$here/.cache/rustup"
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV

if [ -z "$have" ] || [ "$have" != "$wanted" ] || [ "$(cat .venv/.place 2>/dev/null)" != "$here" ]; then
    python=$(pick_python)
    echo "setup: making .venv with $python ($(version_of "$python"))"
    rm -rf .venv
    "$python" -m venv .venv
    echo "$here" > .venv/.place
fi

echo "setup: installing requirements-$1.txt"
# uv takes seconds where pip takes minutes, but it does not read pip's configuration: pip is the way back.
.venv/bin/python -m pip install --quiet uv || echo 'setup: uv cannot be installed, going on with pip'
if ! { [ -x .venv/bin/uv ] &&
       .venv/bin/uv pip install --quiet --no-config --python .venv/bin/python -r "requirements-$1.txt"; }; then
    .venv/bin/python -m pip install --quiet -r "requirements-$1.txt" || {
        echo "setup: the packages of requirements-$1.txt could not be installed; the first setup needs a package index" >&2
        exit 1
    }
fi
# Other collections that tests use, such as the key stores' own.
.venv/bin/python tools/optional_collections.py
echo "$stamp" > "$stamp_file"
