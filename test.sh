#!/usr/bin/env bash
# Builds everything and runs the tests. Exit code 0 when all passed.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./test.sh [--long | --asan | --tsan] [-R REGEX]
       ./test.sh --tidy

  (nothing)   format check, ci build (release, warnings are errors), every test but the long ones
  --long      the long validations alone (ctest label `long`)
  --asan      the tests under the address and undefined-behaviour sanitizers
  --tsan      the tests under the thread sanitizer
  --tidy      clang-tidy over every source, with the checks of .clang-tidy, and no tests
  -R REGEX    only tests whose name matches
TEXT
}

preset=ci
selection=(-LE '^long$')
names=()
tidy=no
while [ $# -gt 0 ]; do
  case $1 in
    --long) selection=(-L '^long$') ;;
    --asan) preset=asan ;;
    --tsan) preset=tsan ;;
    --tidy) tidy=yes ;;
    -R)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      names=(-R "$2")
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *)
      echo "test.sh: unknown option $1 (./test.sh --help)" >&2
      exit 2
      ;;
  esac
  shift
done

source "$(dirname "${BASH_SOURCE[0]}")/.ci/setup.sh"

check_format() {
  local tool
  tool=$(command -v clang-format-14 || command -v clang-format || true)
  if [ -z "$tool" ]; then
    say "clang-format is not installed: format not checked"
    return
  fi
  local complaints
  complaints=$(find core levels experiments analysis tests -name '*.cpp' -o -name '*.hpp' -o -name '*.cu' -o -name '*.cuh' | sort | xargs -r "$tool" --dry-run 2>&1 |
    grep -oE '^[^:]+:[0-9]+' | sort -u -t: -k1,1 || true)
  if [ -n "$complaints" ]; then
    printf '%s\n' "$complaints" >&2
    fail "these files are not formatted; run: clang-format -i FILE"
  fi
  say "every source is formatted as .clang-format says"
}

# A build folder from before STRATA_CUDA_CHECK was never given it: build() configures only what is new.
renew() {
  local cache="build/$1/CMakeCache.txt" log="build/$1.log"
  if [ "$1" != ci ] || [ ! -f "$cache" ] || grep -q '^STRATA_CUDA_CHECK:[A-Z]*=ON$' "$cache"; then
    return
  fi
  cmake --preset "$1" >"$log" 2>&1 || {
    tail -n 25 "$log" >&2
    fail "the $1 preset could not be configured (whole output: $log)"
  }
}

# Where nvcc is, the cuda device is compiled and linked, asked for its devices, and run on the host (tests/cuda).
check_cuda() {
  if ! ninja -C "build/$preset" -t query strata_cuda_check >/dev/null 2>&1; then
    local why
    why=$(sed -n 's/^STRATA_CUDA_ABSENT:INTERNAL=//p' "build/$preset/CMakeCache.txt")
    say "${why:-build/$preset has no target strata_cuda_check}: core/device/cuda was not compiled"
    return
  fi
  build "$preset" strata_cuda_check
  build "$preset" test_cuda
  "build/$preset/strata_cuda_check" devices | sed -n 's/^cuda /    cuda /p'
  timeout 900 "build/$preset/tests/test_cuda" >"build/test_cuda.log" 2>&1 || {
    tail -n 60 build/test_cuda.log >&2
    fail "the cuda device on the host: tests failed or took more than 900 s (whole output: build/test_cuda.log)"
  }
  say "the cuda device on the host: $(tail -n 2 build/test_cuda.log | tr -d '\n')"
}

# The kernels are built once per instruction set and so looked at as often; what is found in a header is said once.
check_tidy() {
  local tool log=build/tidy.log
  tool=$(command -v run-clang-tidy-14 || command -v run-clang-tidy || true)
  [ -n "$tool" ] || fail "clang-tidy is not installed (Debian: apt-get install clang-tidy-14)"
  build release strata_version
  "$tool" -p build/release -j "$(nproc)" -quiet >"$log" 2>&1 || {
    sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^/.*: (error|warning): ' | sed "s#^$top/##" | sort -u >&2
    fail "clang-tidy found something (whole output: $log)"
  }
  say "clang-tidy finds nothing"
}

set_up
if [ "$tidy" = yes ]; then
  phase "Checking with clang-tidy"
  check_tidy
  exit
fi
phase "Checking the format"
check_format
phase "Building ($preset)"
renew "$preset"
build "$preset"
if [ "$preset" = ci ] && [ "${#names[@]}" -eq 0 ] && [ "${selection[0]}" = -LE ]; then
  phase "Compiling the cuda device"
  check_cuda
fi
phase "Testing"
# TBB's own synchronisation is not instrumented; the suppressions name it.
export TSAN_OPTIONS="suppressions=$top/tests/support/tsan.supp ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_leaks=1 ${ASAN_OPTIONS:-}" LSAN_OPTIONS="suppressions=$top/tests/support/lsan.supp ${LSAN_OPTIONS:-}"
# Why something was skipped is said before ctest's own summary, which comes last.
reasons="cat build/$preset/Testing/Temporary/LastTest.log* 2>/dev/null | grep -E '^SKIPPED: ' | sort | uniq -c"
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "${selection[@]}" "${names[@]}" </dev/null |
  awk -v reasons="$reasons" -v started="$(date +%s)" '
    /% tests passed/ { while ((reasons | getline line) > 0) print "   " line }
    { print; fflush() }'
