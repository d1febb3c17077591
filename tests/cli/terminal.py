#!/usr/bin/env python3
"""What the command does on a terminal: progress, Ctrl-C, width.  norma must be on PATH.

Runs it in a pseudo-terminal, where standard input, output and error can each be the
terminal or not.
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

ERASE = b"\r\x1b[K"
failures = []
SLOW = float(os.environ.get("NRM_SLOWNESS", "1"))  # sanitised builds are slower


def check(condition, words):
    if not condition:
        failures.append(words)
        print("failed:", words)


class Terminal:
    """A command whose chosen streams are one pseudo-terminal."""

    def __init__(self, argv, on=(0, 1, 2), width=80, stdin=None, env=(), cwd=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8")
        environment.pop("NO_COLOR", None)
        environment.update(env)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        streams = [slave if i in on else subprocess.PIPE for i in range(3)]
        if stdin is not None:
            streams[0] = stdin
        elif 0 not in on:
            streams[0] = subprocess.DEVNULL
        self.process = subprocess.Popen(argv, stdin=streams[0], stdout=streams[1], stderr=streams[2],
                                        preexec_fn=own_terminal, env=environment, cwd=cwd)
        os.close(slave)
        self.screen = b""
        self.piped = {1: b"", 2: b""}
        self.readers = [threading.Thread(target=self.drain, args=(i, stream), daemon=True)
                        for i, stream in ((1, self.process.stdout), (2, self.process.stderr)) if stream]
        for reader in self.readers:
            reader.start()

    def drain(self, i, stream):
        self.piped[i] = stream.read()

    def wait_for(self, pattern, seconds):
        """Read the terminal until the pattern appears; None: until the command ends."""
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 0.02)
            if ready:
                try:
                    self.screen += os.read(self.master, 65536)
                except OSError:  # the other side is closed
                    break
            if pattern and re.search(pattern, self.screen):
                return True
            if not pattern and not ready and self.process.poll() is not None:
                return True
        return pattern is None and self.process.poll() is not None

    def press_control_c(self):
        os.write(self.master, b"\x03")

    def finish(self, seconds):
        """The exit code, and the seconds it took; killed when it takes longer."""
        start = time.monotonic()
        self.wait_for(None, seconds)
        try:
            code = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = None
        for reader in self.readers:
            reader.join(1)
        os.close(self.master)
        return code, time.monotonic() - start


def endless_rows(end):
    """Write rows to a pipe until nobody reads: numbers without any pattern."""
    state, lines = 1, []
    for _ in range(20000):
        row = []
        for _ in range(6):
            state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            row.append("%.4f" % (state / (1 << 63) - 1))
        lines.append(",".join(row))
    chunk = ("\n".join(lines) + "\n").encode()
    try:
        while True:
            os.write(end, chunk)
    except OSError:
        pass
    finally:
        os.close(end)


def feed_endlessly():
    reading, writing = os.pipe()
    threading.Thread(target=endless_rows, args=(writing,), daemon=True).start()
    return reading


def large_transport(folder, n):
    """Files for a transport problem, and a call that takes minutes: the slow solver and no tolerance."""
    state = 7
    with open(f"{folder}/cost.csv", "w") as f:
        for _ in range(n):
            row = []
            for _ in range(n):
                state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
                row.append("%.5f" % (state / (1 << 64)))
            f.write(",".join(row) + "\n")
    with open(f"{folder}/mass.csv", "w") as f:
        f.write("\n".join(["%.17g" % (1 / n)] * n) + "\n")
    return ["norma", "sparse-ot", "--a", "mass.csv", "--b", "mass.csv", "--cost", "cost.csv", "--k", "2",
            "--solver", "subgradient", "--tol", "1e-300", "--max-iter", "100000000"]


def test_control_c_on_a_stream(folder):
    rows = feed_endlessly()
    t = Terminal(["norma", "top-eigenvector", "--a", "-", "--v", "v.npy"], on=(1, 2), stdin=rows, cwd=folder)
    os.close(rows)
    check(t.wait_for(rb"/s", 10), "a long stream shows its rate on the terminal")
    t.press_control_c()
    code, seconds = t.finish(10)
    check(code == 130, f"Ctrl-C on an endless stream ends with 130, not {code}: {t.screen[-400:]!r}")
    check(seconds < 1 * SLOW, f"Ctrl-C on an endless stream takes {seconds:.2f} s")
    check(os.path.exists(f"{folder}/v.npy"), "Ctrl-C writes the partial vector")
    check(b"v.npy" in t.screen, "Ctrl-C tells where the partial vector went")


def test_control_c_on_a_solve(folder):
    t = Terminal(large_transport(folder, 300) + ["--plan", "plan.npy"], cwd=folder)
    check(t.wait_for(rb"\x1b\[K", 20), "a long solve shows progress")
    t.press_control_c()
    code, seconds = t.finish(10)
    check(code == 130, f"Ctrl-C in a solve ends with 130, not {code}: {t.screen[-400:]!r}")
    check(seconds < 1 * SLOW, f"Ctrl-C in a solve takes {seconds:.2f} s")
    check(os.path.exists(f"{folder}/plan.npy"), "Ctrl-C in a solve writes the partial plan")
    left = [name for name in os.listdir(folder) if ".tmp" in name or name.startswith(".norma")]
    check(not left, f"no temporary file is left: {left}")


def test_control_c_while_waiting(folder):
    t = Terminal(["norma", "softmax", "--x", "-"])
    time.sleep(0.3 * SLOW)
    t.press_control_c()
    code, seconds = t.finish(10)
    check(code == 130, f"Ctrl-C while input is typed ends with 130, not {code}: {t.screen!r}")
    check(seconds < 1 * SLOW, f"Ctrl-C while input is typed takes {seconds:.2f} s")


def test_ignored_interrupt(folder):
    """A job that was started with Ctrl-C ignored (nohup, a background job) keeps ignoring it."""
    done = subprocess.run(["bash", "-c", "trap '' INT; (sleep 0.2; echo 1; sleep 0.2; echo 2) | "
                           "norma softmax --x - & sleep 0.1; kill -INT $!; wait $!"],
                          cwd=folder, capture_output=True, timeout=20)
    check(done.returncode == 0, f"an ignored interrupt stays ignored: {done.returncode} {done.stderr!r}")


def test_progress_line(folder):
    rows = feed_endlessly()
    t = Terminal(["norma", "top-eigenvector", "--a", "-"], on=(2,), stdin=rows, width=60)
    os.close(rows)
    check(t.wait_for(rb"/s", 10), "standard error alone is enough for progress")
    t.wait_for(rb"never", 0.5)
    t.press_control_c()
    code, _ = t.finish(10)
    lines = [re.sub(rb"\x1b\[[0-9;]*[mK]", b"", piece) for piece in t.screen.split(b"\r") if piece]
    drawn = [line.decode("utf-8", "replace") for line in lines if b"/s" in line]
    check(drawn and max(map(len, drawn)) < 60, f"the line fits 60 columns: {max(drawn, key=len, default='')!r}")
    check(ERASE in t.screen[t.screen.rfind(b"/s"):], "the line is cleared at the end")
    check(b"\x1b" not in t.piped[1], "nothing of it goes to standard output")


def test_no_progress(folder):
    for words, on, more, env in (("without a terminal", (1,), [], {}), ("with --quiet", (0, 1, 2), ["--quiet"], {}),
                                 ("on a dumb terminal", (0, 1, 2), [], {"TERM": "dumb"})):
        rows = feed_endlessly()
        t = Terminal(["norma", "top-eigenvector", "--a", "-"] + more, on=on, stdin=rows, env=env)
        os.close(rows)
        t.wait_for(rb"never", 1.0)
        t.process.send_signal(signal.SIGINT)
        code, _ = t.finish(10)
        check(code == 130, f"an interrupt {words} ends with 130, not {code}")
        check(b"/s" not in t.screen.split(b"top-eigenvector:")[0] and b"\x1b[K" not in t.piped[2], f"no progress {words}: {t.screen!r}")


def test_plain_progress(folder):
    t = Terminal(large_transport(folder, 200), env={"LC_ALL": "C", "NO_COLOR": "1"}, cwd=folder)
    t.wait_for(rb"\x1b\[K", 20)
    t.wait_for(rb"never", 0.5)
    t.press_control_c()
    t.finish(10)
    check(all(byte < 128 for byte in t.screen), "no bytes beyond ASCII where the character set is not UTF-8")
    check(not re.search(rb"\x1b\[[0-9;]*m", t.screen), "no colour where NO_COLOR is set")


def test_help_follows_the_width(folder):
    for width in (50, 80, 100):
        t = Terminal(["norma", "help", "softmax"], width=width, env={"NO_COLOR": "1"})
        code, _ = t.finish(10)
        text = t.screen.decode().replace("\r", "")
        prose = [line for line in text.split("\n") if "norma softmax --x" not in line and " " in line.strip()]
        widest = max(map(len, prose))
        check(code == 0 and widest <= width, f"help fits {width} columns, not {widest}")
        check(widest > width - 12, f"help uses {width} columns: {widest}")
    bold = Terminal(["norma", "help", "softmax"])
    bold.finish(10)
    check(b"\x1b[1m" in bold.screen, "headings are bold on a terminal")
    piped = subprocess.run(["norma", "help", "softmax"], capture_output=True)
    check(b"\x1b" not in piped.stdout, "no escape codes in a pipe")


def test_json_alone(folder):
    t = Terminal(["norma", "softmax", "--x", "[1,2,3]", "--json"], on=(0, 2))
    code, _ = t.finish(10)
    report = json.loads(t.piped[1])
    check(code == 0 and report["method"] == "softmax" and not t.screen.strip(), "--json prints JSON and nothing else")


def trial_text(folder):
    """A text from a method of tests/trial: what a terminal would obey is made harmless, and only there."""
    hostile = "a\x1b]0;title\x07\r\tb\x7f\u00e9\u009b1m\u20ac".encode() + b"\xff\0\x9b end"
    with open(f"{folder}/hostile", "wb") as f:
        f.write(hostile)
    call = ["norma", "z-trial-text", "--source", "hostile", "--quiet"]
    for language in ("C.UTF-8", "C"):
        t = Terminal(call, on=(1,), env={"LC_ALL": language}, cwd=folder)
        code, _ = t.finish(10)
        shown = t.screen.decode().replace("\r\n", "\n")
        check(code == 0, f"a text is shown with the code {code}")
        if language == "C":
            check(all(" " <= c <= "~" or c in "\t\n" for c in shown), f"ASCII alone where no more is known: {shown!r}")
        else:
            expected = "a^[]0;title^G^M\tb^?\u00e9?1m\u20ac?^@? end\n"
            check(re.sub(" {2,}", "\t", shown) == expected, f"a text is harmless: {shown!r}")
    t = Terminal(call, on=(0, 2), cwd=folder)
    t.finish(10)
    check(t.piped[1] == hostile + b"\n", f"a pipe gets a text as it is: {t.piped[1]!r}")


def main():
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    chosen = [globals()[name] for name in sys.argv[1:]] or tests
    for test in chosen:
        with tempfile.TemporaryDirectory() as folder:
            test(folder)
    print(f"{len(chosen)} terminal tests, {len(failures)} checks failed")
    sys.exit(1 if failures or not chosen else 0)


main()
