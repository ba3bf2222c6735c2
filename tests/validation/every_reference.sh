#!/usr/bin/env bash
# Measures every table of results/reference again, from a clean tree and a release build: hours on two cores.
# usage: tests/validation/every_reference.sh [TEXT [REUTERS]]     TEXT: novels as demo.sh fetches them (results/demo/text/austen)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
strata=build/release/strata
text=${1:-results/demo/text/austen}

[ -x "$strata" ] || { echo "every_reference.sh: $strata is missing; cmake --preset release && cmake --build --preset release" >&2; exit 2; }
[ -e "$text" ] || { echo "every_reference.sh: no text at $text; ./demo.sh fetches it" >&2; exit 2; }
for tables in worlds linear_gaussian scales signatures; do tests/validation/${tables}_reference.py --strata "$strata"; done
tests/validation/text_reference.py --strata "$strata"
tests/validation/reference.py --strata "$strata" --text "$text" ${2:+--reuters "$2"}
tests/bench/language/language.py --strata "$strata"
tests/bench/language/sparse.py --strata "$strata"
