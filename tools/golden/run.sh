#!/bin/sh
# Makes a virtual environment from requirements.txt and rewrites model/testdata.
#   tools/golden/run.sh [NAME...]     (no name: every model)
# PYTHON: the interpreter (3.11); LIGHTTRANSFER_GOLDEN_VENV: where the environment lives.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${LIGHTTRANSFER_GOLDEN_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/lighttransfer-golden/venv}
if ! cmp -s "$here/requirements.txt" "$venv/requirements.done"; then
  "${PYTHON:-python3.11}" -m venv "$venv"
  "$venv/bin/pip" install --quiet -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.done"
fi
exec "$venv/bin/python" "$here/model.py" "$here/../../model/testdata" "$@"
