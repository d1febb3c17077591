"""Ctrl-C, other signals, progress, threads."""

import signal
import threading
import time

import numpy as np
import pytest

import norma

# Two equal eigenvalues and a tolerance of 0: the power method goes on until it is stopped.
ENDLESS = """
import signal, sys, time
import numpy as np, norma
a = np.random.default_rng(1).normal(size=(2000, 50))
def endless(**named):
    return norma.top_eigenvector(a, algorithm="power", tolerance=0, max_iter=10**9, **named)
def rows():
    while True:
        yield a
def go():
    print("go", flush=True)
"""


def interrupt(process, number=signal.SIGINT, after=0.5):
    """Send a signal once the process says go; (seconds to its end, stdout, stderr)."""
    assert process.stdout.readline() == "go\n", process.stderr.read()
    time.sleep(after)
    start = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return time.monotonic() - start, out, err


TELL = """
go()
try:
    {call}
except BaseException as error:
    result = getattr(error, "result", None)
    print(type(error).__name__, result and str(result.status), result and len(result.v))
print("clean", signal.getsignal(signal.SIGINT) is signal.default_int_handler, norma._running.Running._by_number)
"""


def test_ctrl_c_ends_a_long_run_with_the_partial_result(python):
    seconds, out, err = interrupt(python(ENDLESS + TELL.format(call="endless()")))
    assert out == "KeyboardInterrupt partial 50\nclean True {}\n" and err == ""
    assert seconds < 1


@pytest.mark.parametrize("rows", ["rows()", "(time.sleep(0.01) or row for block in rows() for row in block)"])
def test_ctrl_c_while_the_rows_come_from_python(python, rows):
    seconds, out, err = interrupt(python(ENDLESS + TELL.format(call=f"norma.top_eigenvector({rows})")))
    assert out.startswith("KeyboardInterrupt ") and err == ""
    assert seconds < 1


def test_ctrl_c_without_a_handler_of_ones_own_ends_the_program(python):
    seconds, out, err = interrupt(python(ENDLESS + "go()\nendless()"))
    assert err.rstrip().endswith("KeyboardInterrupt") and seconds < 1


def test_ctrl_c_in_the_main_thread_while_a_worker_runs(python):
    code = ENDLESS + (
        "import threading\n"
        "stop = threading.Event()\n"
        "worker = threading.Thread(target=lambda: print(endless(progress=lambda p: stop.is_set()).status))\n"
        "worker.start()\ngo()\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    stop.set()\n    worker.join()\n    print('joined')\n"
    )
    seconds, out, err = interrupt(python(code))
    assert out == "partial\njoined\n" and err == "" and seconds < 1.5


def test_other_signal_handlers_run_and_may_raise(python):
    handlers = (
        "def count(number, frame): print('counted', flush=True)\n"
        "def leave(number, frame): sys.exit(7)\n"
        "signal.signal(signal.SIGUSR1, count)\nsignal.signal(signal.SIGTERM, leave)\n"
    )
    process = python(ENDLESS + handlers + "go()\nendless()")
    assert process.stdout.readline() == "go\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == "counted\n"  # while the library runs on
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=5)
    assert process.returncode == 7 and err == ""


def test_an_alarm_is_a_timeout(python):
    code = (
        ENDLESS + "class Late(Exception): pass\ndef late(number, frame): raise Late\n"
        "signal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        + TELL.format(call="endless()")
    )
    out, err = python(code).communicate(timeout=20)
    assert "Late partial 50" in out and err == ""


# ---- Progress ---------------------------------------------------------------------

A = np.random.default_rng(1).normal(size=(2000, 50))


def endless(**named):
    return norma.top_eigenvector(A, algorithm="power", tolerance=0, max_iter=10**9, **named)


def test_progress_reports_and_stops():
    seen = []
    result = endless(progress=lambda p: seen.append(p) or len(seen) == 5)
    assert result.status is norma.Status.PARTIAL and result.message and len(result.v) == 50
    assert len(seen) == 5 and all(isinstance(p, norma.Progress) and p.task for p in seen)
    assert sorted(p.done for p in seen) == [p.done for p in seen]


def test_what_progress_raises_comes_through_with_the_partial_result():
    reports = iter(range(10))
    with pytest.raises(ZeroDivisionError) as caught:
        endless(progress=lambda p: 1 / (4 - next(reports)) < 0)
    assert caught.value.result.status is norma.Status.PARTIAL


@pytest.mark.filterwarnings("ignore:.*shuffle them:norma.NormaWarning")
def test_progress_true_prints_a_line(capfd):
    norma.top_eigenvector((A for _ in range(200)), progress=True)
    err = capfd.readouterr().err
    assert err.startswith("\r") and err.endswith("\n")


# ---- Threads ----------------------------------------------------------------------


def test_the_gil_is_released():
    """Another Python thread keeps time while the library computes."""
    times, stop = [], threading.Event()

    def keep_time():
        while not stop.wait(0.002):
            times.append(time.perf_counter())

    worker = threading.Thread(target=keep_time)
    worker.start()
    start = time.perf_counter()
    endless(progress=lambda p: time.perf_counter() - start > 0.5)
    end = time.perf_counter()
    x = np.zeros(20_000_000)
    start_softmax = time.perf_counter()
    norma.softmax(x, out=x, threads=1)  # no callback in here
    end_softmax = time.perf_counter()
    stop.set()
    worker.join()
    assert sum(start < t < end for t in times) > 20
    assert sum(start_softmax < t < end_softmax for t in times) > 2


def test_concurrent_calls_do_not_meet():
    rng = np.random.default_rng(5)
    inputs = [rng.normal(size=(int(rng.integers(1, 60)), 40)) for _ in range(200)]
    expected = [norma.softmax(x).y.copy() for x in inputs]
    failures = []

    def work(order):
        for i in order:
            if not np.array_equal(norma.softmax(inputs[i], threads=1).y, expected[i]):
                failures.append(i)
            try:
                norma.softmax(inputs[i], alpha=f"no number {i}")
            except norma.NormaValueError as error:
                if f"no number {i}'" not in str(error):
                    failures.append(str(error))

    workers = [threading.Thread(target=work, args=(rng.permutation(200),)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_same_seed_same_bits_whatever_the_threads():
    first = norma.top_eigenvector(A, seed=3, threads=1).v
    np.testing.assert_array_equal(first, norma.top_eigenvector(A, seed=3, threads=2).v)
