#!/usr/bin/env bash
# Installs llama.cpp, as its Python package compiled for this very machine, into a
# virtual environment of its own:
#
#	bench/peers/install.sh DIR
#
# It needs python3 with venv, a C++ compiler and some 10 minutes of two cores.
set -euo pipefail
dir=${1:?usage: install.sh DIR}
version=0.3.36
if "$dir/bin/python" -c "import llama_cpp; assert llama_cpp.__version__ == '$version'" 2>/dev/null; then
	echo "$dir has llama-cpp-python $version"
	exit
fi
python3 -m venv "$dir"
CMAKE_ARGS="-DGGML_NATIVE=ON" "$dir/bin/pip" install --quiet --no-binary llama-cpp-python "llama-cpp-python==$version"
"$dir/bin/python" -c "import llama_cpp; print(llama_cpp.__version__, llama_cpp.llama_print_system_info().decode())"
