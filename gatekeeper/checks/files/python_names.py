"""What the names of Python's own and of common libraries do when source calls them."""

from __future__ import annotations

import re
from enum import StrEnum


class Deed(StrEnum):
    """What a call does, in words for a person."""

    PROCESS = "starts processes"
    CODE = "runs code that is made as it goes"
    EVALUATES = "evaluates text, unpickles or loads libraries"
    NETWORK = "opens connections"
    WRITES = "writes or removes files"


_EXACT = {
    **dict.fromkeys(
        ("os.system", "os.popen", "os.startfile", "os.fork", "os.forkpty", "pty.spawn", "posix.system", "nt.system",
         "subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
         "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
         "asyncio.create_subprocess_exec", "pip.main", "pip._internal.main", "pip._internal.cli.main.main",
         "platform.popen", "commands.getoutput", "pexpect.spawn", "pexpect.run", "sh.Command", "webbrowser.open",
         "os.kill", "os.posix_spawn", "os.posix_spawnp", "_posixsubprocess.fork_exec", "shell.ShellExecute"),
        Deed.PROCESS,
    ),
    **dict.fromkeys(
        ("exec", "compile", "builtins.exec", "builtins.compile", "marshal.loads", "marshal.load", "runpy.run_path",
         "runpy.run_module", "types.FunctionType", "types.CodeType", "code.InteractiveConsole", "code.interact",
         "code.InteractiveInterpreter", "execfile", "timeit.timeit", "cProfile.run", "sys.settrace", "sys.setprofile",
         "pydoc.pipepager", "pydoc.locate", "bdb.Bdb", "trace.Trace", "doctest.testmod"),
        Deed.CODE,
    ),
    **dict.fromkeys(
        ("eval", "builtins.eval", "pickle.loads", "pickle.load", "pickle.Unpickler", "_pickle.loads", "dill.loads",
         "dill.load", "cloudpickle.loads", "cloudpickle.load", "joblib.load", "shelve.open", "ctypes.CDLL",
         "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.cdll.LoadLibrary", "ctypes.windll", "torch.hub.load",
         "torch.ops.load_library", "torch.classes.load_library", "torch.utils.cpp_extension.load",
         "torch.utils.cpp_extension.load_inline", "cffi.FFI", "yaml.unsafe_load", "yaml.full_load", "__import__",
         "builtins.__import__", "pandas.read_pickle", "imp.load_source", "tensorflow.load_op_library"),
        Deed.EVALUATES,
    ),
    **dict.fromkeys(
        ("socket.socket", "socket.create_connection", "socket.create_server", "urllib.request.urlopen",
         "urllib.request.urlretrieve", "urllib.request.Request", "urllib2.urlopen", "http.client.HTTPConnection",
         "http.client.HTTPSConnection", "ftplib.FTP", "smtplib.SMTP", "smtplib.SMTP_SSL", "telnetlib.Telnet",
         "poplib.POP3", "imaplib.IMAP4", "paramiko.SSHClient", "websocket.create_connection", "websockets.connect",
         "aiohttp.ClientSession", "wget.download", "xmlrpc.client.ServerProxy", "socketserver.TCPServer",
         "http.server.HTTPServer", "dns.resolver.resolve", "socket.gethostbyname", "socket.getaddrinfo"),
        Deed.NETWORK,
    ),
    **dict.fromkeys(
        ("os.remove", "os.unlink", "os.rmdir", "os.removedirs", "os.rename", "os.replace", "os.chmod", "os.chown",
         "os.symlink", "os.link", "os.truncate", "shutil.rmtree", "shutil.move", "shutil.copy", "shutil.copyfile",
         "shutil.copytree", "shutil.copy2", "shutil.unpack_archive"),
        Deed.WRITES,
    ),
}  # fmt: skip

_PATTERNS = (
    (re.compile(r"os\.(?:exec|spawn)[lv]p?e?p?\Z"), Deed.PROCESS),
    (re.compile(r"(?:requests|httpx)\.(?:get|post|put|patch|delete|request|Session|Client|AsyncClient|stream)\Z"),
     Deed.NETWORK),
)  # fmt: skip

_MODULES = frozenset(name.rpartition(".")[0] for name in _EXACT) | {"requests", "httpx"}

DECODERS = frozenset(
    {
        "base64.b64decode", "base64.b32decode", "base64.b16decode", "base64.b85decode", "base64.a85decode",
        "base64.decodebytes", "base64.urlsafe_b64decode", "base64.standard_b64decode", "binascii.a2b_base64",
        "binascii.unhexlify", "binascii.a2b_hex", "bytes.fromhex", "bytearray.fromhex", "codecs.decode",
        "zlib.decompress", "gzip.decompress", "bz2.decompress", "lzma.decompress", "marshal.loads", "cryptography",
    }
)  # fmt: skip
"""Functions by which code is kept out of sight until it runs."""


def deed_of(name: str) -> Deed | None:
    """Say what calling a dotted name does; None when nothing that is told."""
    exact = _EXACT.get(name)
    if exact:
        return exact
    return next((deed for pattern, deed in _PATTERNS if pattern.match(name)), None)


def is_of_note(module: str) -> bool:
    """Whether some function of a module does something that is told."""
    return module in _MODULES
