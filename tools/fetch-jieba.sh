#!/bin/sh
# Fetches the source archive of the Python package jieba 0.42.1 (MIT, 19 MB), whose tables find the words of Chinese text
# for the scores of Chinese tasks, and prints its path. pip is all it needs. Run again, it only verifies the checksum.
# LIGHTTRANSFER_JIEBA: the file to keep it in (default: lighttransfer/ in the user's cache folder, where the program
# looks). PYTHON: an interpreter with pip.
set -eu
python=${PYTHON:-python3}
name=jieba-0.42.1.tar.gz
want=055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2

case $(uname -s) in
  Darwin) cache=$HOME/Library/Caches ;;
  MINGW* | MSYS* | CYGWIN*) cache=${LOCALAPPDATA:-$HOME/AppData/Local} ;;
  *) cache=${XDG_CACHE_HOME:-$HOME/.cache} ;;
esac
file=${LIGHTTRANSFER_JIEBA:-$cache/lighttransfer/$name}

sum() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

if [ -f "$file" ] && [ "$(sum "$file")" = "$want" ]; then
  echo "$file"
  exit
fi
folder=$(dirname "$file")
mkdir -p "$folder"
work=$(mktemp -d "$folder/fetch.XXXXXX") # beside the file, so that the last step is a rename on one disk
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
"$python" -m pip download --quiet --no-deps --no-binary :all: --dest "$work" jieba==0.42.1 >&2
got=$(sum "$work/$name")
if [ "$got" != "$want" ]; then
  echo "fetch-jieba: $name has sha256 $got, want $want: the package has changed; nothing was kept" >&2
  exit 1
fi
mv -f "$work/$name" "$file"
echo "$file"
