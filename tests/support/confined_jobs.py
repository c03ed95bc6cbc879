"""Jobs for confined children that do what taken-over parsers would."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Answer = Callable[[bytes], None]


def do(request: bytes, answer: Answer) -> None:
    """Do what the request names, with the argument after the colon."""
    name, _, argument = request.decode().partition(":")
    globals()[name](argument, answer)


def echo(argument: str, answer: Answer) -> None:
    for word in argument.split():
        answer(word.encode())


def loop(_: str, answer: Answer) -> None:
    answer(b"begun")
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def sleep(_: str, answer: Answer) -> None:
    answer(b"begun")
    time.sleep(60)


def allocate(_: str, answer: Answer) -> None:
    answer(str(len(bytearray(2**30))).encode())


def write(argument: str, answer: Answer) -> None:
    Path(argument).write_bytes(bytes(2**21))
    answer(b"written")


def chatter(_: str, answer: Answer) -> None:
    while True:
        answer(bytes(2**16))


def nonsense(_: str, answer: Answer) -> None:
    answer(b"whole")
    (pipe,) = (number for number in range(3, 256) if _is_pipe(number))
    os.write(pipe, b"A\x00\x00\x01\x00half")


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def segfault(_: str, answer: Answer) -> None:
    ctypes.string_at(0)


def leave(argument: str, answer: Answer) -> None:
    os._exit(int(argument))


def give_up(argument: str, answer: Answer) -> None:
    answer(b"first")
    raise SystemExit(argument)


def kill_server(_: str, answer: Answer) -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def prints(_: str, answer: Answer) -> None:
    print("A" * 100, flush=True)
    print("A" * 100, file=sys.stderr, flush=True)
    os.write(1, b"H\x00\x00\x00\x02{}")
    answer(repr(sys.stdin.read()).encode())


def attempts(argument: str, answer: Answer) -> None:
    """Try what is refused where the kernel can; answer name → what came of it."""
    tried = {
        "fork": os.fork,
        "posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "subprocess": lambda: subprocess.run(["/bin/true"], check=False),
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "unix": lambda: socket.socketpair(),
        "kill": lambda: os.kill(os.getppid(), 0),
        "write": lambda: Path(argument).write_text("x"),
        "limits": lambda: __import__("resource").setrlimit(0, (1000, 1000)),
    }
    came = {}
    for name, attempt in tried.items():
        pid = os.getpid()
        try:
            attempt()
            came[name] = "done"
        except (OSError, ValueError) as error:
            came[name] = type(error).__name__
        if os.getpid() != pid:
            os._exit(0)
    answer(json.dumps(came).encode())


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def tell(argument: str, answer: Answer) -> None:
    """Answer what this process has."""
    import threading

    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    descriptors = [number for number in range(1024) if _is_open(number)]
    told = {
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "isolated": sys.flags.isolated,
        "modules": sorted(sys.modules),
        "descriptors": descriptors,
        "path": sys.path,
        "pid": os.getpid(),
        "server": os.getppid(),
    }
    answer(json.dumps(told).encode())


def read(argument: str, answer: Answer) -> None:
    answer(Path(argument).read_bytes())
