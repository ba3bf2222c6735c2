# Sourced by demo.sh and test.sh: installs what packages.txt lists and is missing, finds the interpreter that sees Debian's Python packages,
# configures and builds. Asks for nothing. Works as root, through sudo, and as a user when nothing is missing.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 1

# Debian's own tools first: another python3, cmake or h5cc earlier on PATH (pyenv, conda) has none of the packages.
export PATH="/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
unset PYTHONHOME PYTHONPATH
export PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=Agg
python=/usr/bin/python3

started=$SECONDS
phase_started=$SECONDS
phase_name=""

# phase NAME: closes the phase before with its seconds and opens the next.
phase() {
  if [ -n "$phase_name" ]; then
    printf '    %s: %d s\n' "$phase_name" $((SECONDS - phase_started))
  fi
  phase_name=${1:-}
  phase_started=$SECONDS
  if [ -n "$phase_name" ]; then
    printf '\n==> %s\n' "$phase_name"
  fi
}

say() { printf '    %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Files made through sudo belong to the person who called it.
hand_back() {
  if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_UID:-}" ] && [ "${SUDO_UID}" != 0 ]; then
    for folder in build results; do
      [ ! -d "$top/$folder" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$top/$folder"
    done
  fi
}
trap hand_back EXIT

listed_packages() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' packages.txt; }

missing_packages() {
  local installed
  # dpkg-query fails for names it has never seen; those are missing too.
  installed=$(listed_packages | xargs dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null | awk '$2 == "installed" {print $1}' || true)
  listed_packages | grep -vxF -e "${installed:-none}" || true
}

install_packages() {
  command -v dpkg-query >/dev/null || fail "this is no Debian: install by hand what packages.txt lists, then build with cmake --preset release"
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  if [ -z "${missing// /}" ]; then
    say "every package of packages.txt is here: nothing to install"
    return
  fi
  say "missing: $missing"
  local become=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || fail "these packages are missing and installing them needs root: run 'sudo $0', or 'sudo apt-get install $missing'"
    become=(sudo -n)
  fi
  local apt=("${become[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600)
  "${apt[@]}" update >/dev/null 2>&1 || say "the package lists could not be refreshed; trying with those at hand"
  mkdir -p build
  # shellcheck disable=SC2086  # a list of names
  "${apt[@]}" install --no-install-recommends $missing </dev/null >build/packages.log 2>&1 || {
    tail -n 5 build/packages.log >&2
    fail "apt-get could not install: $missing(network away? the whole output is in build/packages.log)"
  }
  say "installed"
}

check_python() {
  local error
  error=$("$python" -c 'import h5py, h5netcdf, xarray, matplotlib, plotly' 2>&1) ||
    fail "$python cannot import h5py, h5netcdf, xarray, matplotlib and plotly: ${error##*$'\n'}"
}

# Ninja's counter as it goes by: on a terminal in place, elsewhere a line now and then.
counter() {
  local line shown=$SECONDS
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    if [ -t 1 ]; then
      printf '\r    %s of %s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    elif [ $((SECONDS - shown)) -ge 30 ]; then
      shown=$SECONDS
      say "${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
    fi
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

# build PRESET [TARGET]: configures once, builds what changed, says whether anything was compiled.
build() {
  local preset=$1 target=${2:-all} log=build/$1.log
  mkdir -p build
  if [ ! -f "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" >"$log" 2>&1 || {
      tail -n 25 "$log" >&2
      fail "the $preset preset could not be configured (whole output: $log)"
    }
  fi
  say "what the compiler says: $log"
  cmake --build --preset "$preset" --target "$target" 2>&1 | tee "$log" | counter || {
    grep -nE -A12 'error:|FAILED:|CMake Error' "$log" | head -n 60 >&2
    fail "the $preset preset could not be built (whole output: $log)"
  }
  local compiled
  compiled=$(grep -cE 'Building (C|CXX|CUDA) object' "$log" || true)
  if [ "$compiled" -eq 0 ]; then
    say "build/$preset is up to date: nothing to compile"
  else
    say "build/$preset: $compiled files compiled"
  fi
}

set_up() {
  phase "Setting up"
  install_packages
  check_python
}
