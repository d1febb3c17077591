#!/bin/bash
# Ranks of MPI: the communicator, shared optimizers, and `mpirun norma train` against one process.
. "$(dirname "$0")/mpi_setup"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "failed: $*"; failures=$((failures + 1)); }
ranks() { timeout 60 mpirun -n "$@"; }

for n in 1 2 3 4; do
    ranks $n "$NRM_BUILD/tests/mpi_program" || fail "mpi_program, $n ranks"
done
ranks 3 "$NRM_BUILD/tests/mpi_program_pieces" || fail "mpi_program_pieces"

cd "$work" || exit 1
train=(norma train --model '{"model":"gpt","layers":1,"width":16,"heads":2}' --context 8 --batch 10 --optimizer normuon
       --precision f64 --threads 1 --validation 0.001 --quiet)
"${train[@]}" --steps 8 --evaluate-every 4 --folder alone || fail "train alone"
for n in 1 2 3 4; do
    ranks $n "${train[@]}" --steps 8 --evaluate-every 4 --folder "ranks$n" --json >report$n.json || fail "train, $n ranks"
done
cp -r ranks4 more
"$python" - <<'PY' || fail "the losses of ranks are not those of one process"
import json
def lines(folder):
    return [json.loads(line) for line in open(folder + "/log.jsonl")]
alone = lines("alone")
assert sum("loss" in line for line in alone) == 8
for n in (1, 2, 3, 4):
    run = lines("ranks%d" % n)
    report = json.load(open("report%d.json" % n))["info"] # of one rank alone
    assert report["ranks"] == n and (report["bytes_sent"] > 0) == (n > 1), report
    if n > 1: assert run[0]["ranks"] == n and run[0]["state_bytes"] < 99208, run[0]
    assert len(run) == len(alone)
    for a, b in zip(alone, run):
        for key in ("loss", "validation_loss", "gradient_norm"):
            if key in a: assert abs(a[key] - b[key]) < 1e-9, (n, a, b)
PY
# Four ranks' run goes on with two.
ranks 2 "${train[@]}" --steps 12 --evaluate-every 4 --resume more --folder more || fail "resume with two ranks"
"${train[@]}" --steps 12 --evaluate-every 4 --resume alone --folder alone || fail "resume alone"
"$python" - <<'PY' || fail "a run that goes on with other ranks is another run"
import json
last = [[json.loads(line) for line in open(f + "/log.jsonl")][-1] for f in ("alone", "more")]
assert last[0]["step"] == last[1]["step"] == 12, last
assert abs(last[0]["validation_loss"] - last[1]["validation_loss"]) < 1e-8, last
PY

# A rank that cannot, and one that means something else: all end, told once.
ranks 1 "${train[@]}" --steps 8 : -n 1 "${train[@]}" --steps 8 --data nothing.txt 2>said && fail "a missing file is taken"
[ "$(grep -c '^norma: rank 1: nothing.txt' said)" = 1 ] || fail "a missing file: $(cat said)"
ranks 1 "${train[@]}" --steps 8 : -n 1 "${train[@]}" --steps 8 --seed 7 2>said && fail "another seed is taken"
[ "$(grep -c '^norma: train: rank 1 has other data, another seed' said)" = 1 ] || fail "another seed: $(cat said)"

# mpirun, interrupted, stops its ranks; they leave a checkpoint.
mpirun -n 2 "${train[@]}" --steps 1000000 --folder stopped --evaluate-every 500000 2>said &
pid=$!
for i in $(seq 200); do [ -s stopped/log.jsonl ] && [ "$(wc -l <stopped/log.jsonl)" -gt 3 ] && break; sleep 0.05; done
kill -INT "$pid"
wait "$pid" && fail "an interrupted run ends well"
[ -s stopped/checkpoint.safetensors ] || fail "no checkpoint after an interrupt: $(cat said)"

echo "$failures failed"
[ "$failures" = 0 ]
