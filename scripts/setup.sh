# Sourced by demo and test: system packages, virtual environment, build. A second run only does what is missing.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

install_packages() { # Debian package names; skips installed ones
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "Installing system packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

install_novasr() { # extras, for example plot,torch; then the further packages: novasr-torch, novasr-plugin
  [ -x .venv/bin/python ] || python3 -m venv .venv
  echo "Installing Python packages (about 1 GB the first time)"
  # shellcheck disable=SC1091
  . .venv/bin/activate
  python -m pip install --quiet --upgrade pip
  # Build in this environment: the LibTorch engine must be built with the torch that it will run with.
  # The last three are for pyworld, whose setup.py imports them.
  python -m pip install --quiet "scikit-build-core>=1.0,<2" "pybind11>=2.13,<4" "cmake>=3.25,<5" "ninja>=1.11,<2" \
    "torch==2.13.0" "numpy>=1.24,<3" "setuptools>=70,<81" "cython>=3,<4"
  echo "Compiling the packages (some minutes the first time)"
  local extras=$1
  shift
  python -m pip install --quiet --no-build-isolation ".[$extras]" "${@/#/./python/}"
}
