#!/bin/bash
# Methods that share rows among ranks: two and three ranks of MPI give what one process gives.
. "$(dirname "$0")/mpi_setup"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "failed: $*"; failures=$((failures + 1)); }

# Tall data: npy (gone to where the rows lie) and text (read through).
"$python" - <<'PY' || exit 1
import numpy
random = numpy.random.default_rng(5)
a = random.standard_normal((6000, 5)) * [1, 2, 3, 0.5, 1]
b = a @ [1, -2, 3, 0, 1] + random.standard_t(3, 6000)
numpy.save("a.npy", a); numpy.save("b.npy", b)
numpy.savetxt("a.csv", a, fmt="%.17g", delimiter=","); numpy.savetxt("b.csv", b, fmt="%.17g")
PY

# same TOLERANCE "OUTPUT ..." METHOD ARGUMENTS: each --OUTPUT goes to a file; all arrays agree.
same() {
    local tolerance=$1 outputs=$2 n o arguments
    shift 2
    for n in 1 2 3; do
        arguments=()
        for o in $outputs; do arguments+=("--$o" "$o.$n.npy"); done
        if [ $n = 1 ]; then norma "$@" "${arguments[@]}" --threads 1 --quiet >/dev/null || fail "$*, one process"
        else timeout 60 mpirun -n $n norma "$@" "${arguments[@]}" --threads 1 --quiet >/dev/null || fail "$*, $n ranks"; fi
    done
    "$python" - "$tolerance" $outputs <<'PY' || fail "$*: ranks do not give what one process gives"
import sys, numpy
for name in sys.argv[2:]:
    alone = numpy.load(name + ".1.npy")
    for n in (2, 3):
        ranks = numpy.load("%s.%d.npy" % (name, n))
        assert ranks.shape == alone.shape, (name, n, ranks.shape, alone.shape)
        numpy.testing.assert_allclose(ranks, alone, rtol=float(sys.argv[1]), atol=float(sys.argv[1]), err_msg=name)
PY
}

# One line for each way of a method to work.
for kind in gaussian srht srct bgp countsketch osnap; do same 1e-12 sa row-sketch --a a.npy --rows 32 --sketch $kind --seed 3; done
same 1e-12 weights lewis-weights --a a.npy --b b.npy --p 1
same 1e-9 "weights sensitivity upper" lewis-weights --a a.csv --b b.csv --p 3 --measure sample --sample 100 --seed 4
same 1e-12 sa row-sketch --a a.csv --rows 32 --seed 3
# (one line for each way of a method to work)
same 1e-10 "index weights rows-a rows-b" lp-coreset --a a.npy --b b.npy --p 1 --rows 300
same 1e-9 "index weights witness" lp-coreset --a a.csv --p 3 --rows 100 --scores bracket --audit
same 1e-10 "index weights rows-a" lp-coreset --a a.csv --b b.csv --p 1.5 --rows 50 --passes one
same 1e-10 "index weights sensitivities lewis-weights" lp-coreset --a a.npy --p 1.5 --rows 200 --scheme root-leverage
same 1e-10 "x residual dual" lp-regression --a a.npy --b b.npy --p 1
same 1e-9 "x residual" lp-regression --a a.csv --b b.csv --p 1.5 --method coreset --scheme lewis --rows 500 --refine 2
same 1e-9 x lp-regression --a a.npy --b b.npy --p 3 --method coreset --scheme lewis --rows 500
same 0 coefficients private-sparse-regression --x a.npy --y b.npy --tau2 20 --r 6
same 0 coefficients private-sparse-regression --x a.csv --y b.csv --tau2 20 --r 6 --mode isotropic --each-message
same 0 coefficients private-sparse-regression --x a.npy --y b.npy --mode iht --k 3 --rounds 5 --growth 1.5
same 1e-12 "coefficients raw" private-sparse-regression --x a.npy --y b.csv --mode nldp-public --public-x a.npy --tau2 20
for sketch in gaussian srht srct bgp countsketch osnap; do
    same 1e-11 "x error-bars sa" linf-regression --a a.npy --b b.npy --sketch $sketch --rows 256
done
same 1e-11 x linf-regression --a a.csv --b b.csv --rows 256 --refine 40
same 1e-11 x linf-regression --a a.csv --b b.csv --rows 6000
same 1e-11 "coefficients leverage residuals" weighted-least-squares --x a.npy --y b.npy --basis hermite --degree 3
same 1e-11 "coefficients gram" weighted-least-squares --x a.csv --y b.csv --basis "hermite(0,3)" --degree 2 --one-pass

exit $((failures > 0))
