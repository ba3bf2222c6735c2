#!/usr/bin/env bash
# The main job from end to end: a hierarchy of four levels reads Jane Austen, meets passages that do not belong, changes its subject, and a person
# sees how each level was surprised, how fast it recovered and how heavy its belief is.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./demo.sh [--quick] [--generated] [--seed N]

Installs what packages.txt lists and is missing, builds the `strata` command, fetches the text, trains, runs the two experiments and draws the
figures. A second run installs and compiles nothing and reads the text that is here.

  --quick       the smallest run that still means something (about five minutes)
  --generated   read a generated text of nested topics; nothing is fetched
  --seed N      seed of the run (default 1)
TEXT
}

quick=()
generated=0
seed=1
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=(--quick) ;;
    --generated) generated=1 ;;
    --seed)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "demo.sh: --seed takes a whole number" >&2; exit 2; }
      seed=$2
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *)
      echo "demo.sh: unknown option $1 (./demo.sh --help)" >&2
      exit 2
      ;;
  esac
  shift
done

source "$(dirname "${BASH_SOURCE[0]}")/.ci/setup.sh"

config=experiments/config/demo.ini
strata=build/release/strata
out=results/demo/$(date +%Y%m%d-%H%M%S)

# The text: Austen's six novels from Debian, or generated where they cannot be had. What is already there is read again.
prepare_text() {
  text=results/demo/text/austen
  local complaint
  if [ "$generated" -eq 0 ]; then
    if ! complaint=$("$python" experiments/worlds/text/austen.py "$text" 2>&1); then
      say "Jane Austen's novels could not be fetched: $(tail -n 1 <<<"$complaint")"
      say "Reading a generated text of nested topics instead; what the picture shows is then a property of that text."
      generated=1
    fi
  fi
  if [ "$generated" -eq 1 ]; then
    text=results/demo/text/generated
    "$python" experiments/worlds/text/austen.py --generate "$text" >/dev/null
  fi
  say "text: $text ($(find "$text" -name '*.txt' | wc -l) files, $(cat "$text"/*.txt | wc -w) words)"
}

run() {
  say "$*" >&2
  "$@" || {
    local status=$?
    [ "$status" -ne 130 ] || say "or begin the demo again with ./demo.sh: packages, build and text stay" >&2
    exit "$status"
  }
}

# experiment NAME: its long tables go into a file; the short one comes at the end.
experiment() {
  run "$strata" run "$1" "${common[@]}" --model "$out/model/model.h5" --out "$out/$1" >"$out/$1.txt"
  say "its tables: $out/$1.txt"
}

set_up
phase "Building strata"
build release strata
mkdir -p "$out"
phase "Preparing the text"
prepare_text
common=(--config "$config" --text "$text" --seed "$seed" "${quick[@]}")
phase "Training"
run "$strata" train "${common[@]}" --out "$out/model"
phase "Experiment: passages that do not belong (surprise_recovery)"
experiment surprise_recovery
phase "Experiment: how heavy a belief is (belief_inertia)"
experiment belief_inertia
# Each run has drawn its own figures and report; what is left is the one picture of both, and one report.
phase "Drawing both in one picture"
export PYTHONPATH=analysis/python
run "$python" -m strata_plots --quiet "$out/surprise_recovery" "$out/belief_inertia" --out "$out"
"$python" -m strata_plots.short_table "$out/surprise_recovery" "$out/belief_inertia" >"$out/table.txt"
ln -sfn "$(basename "$out")" results/demo/latest
phase
printf '\n'
cat "$out/table.txt"
cat <<TEXT

Times in tokens, information in nats, intervals 95 %. Done in $((SECONDS - started)) s. Look at
    picture   $out/figures/demo.png
    table     $out/table.txt (longer ones: surprise_recovery.txt, belief_inertia.txt beside it)
    report    $out/report.html   (opens in any browser, offline; each experiment's own lies in its folder)
    traces    $out/surprise_recovery/trace.h5, $out/belief_inertia/trace.h5
              xarray.open_dataset(FILE, engine="h5netcdf", group="levels/1")
TEXT
