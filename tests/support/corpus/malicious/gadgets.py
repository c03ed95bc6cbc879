"""Pickles that call something: tables of callables, spread over the places in which models carry pickles."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.corpus.assembly import call, called, carried, found
from tests.support.corpus.case import Case, Label, Make, cases

Callables = Sequence[tuple[str, str, tuple[object, ...]]]

_CODE = "1+1"
_SHELL = "true"
_NOWHERE = "http://127.0.0.1:9/x"

STDLIB_CODE: Callables = (
    ("os", "system", (_SHELL,)),
    ("posix", "system", (_SHELL,)),
    ("nt", "system", (_SHELL,)),
    ("os", "popen", (_SHELL,)),
    ("os", "execlp", (_SHELL, _SHELL)),
    ("os", "posix_spawn", ("/bin/true", ["true"], {})),
    ("os", "spawnlp", (0, _SHELL, _SHELL)),
    ("subprocess", "Popen", (_SHELL,)),
    ("subprocess", "check_output", ([_SHELL],)),
    ("subprocess", "getoutput", (_SHELL,)),
    ("_posixsubprocess", "fork_exec", ([_SHELL],)),
    ("pty", "spawn", (_SHELL,)),
    ("builtins", "eval", (_CODE,)),
    ("builtins", "exec", (_CODE,)),
    ("builtins", "compile", (_CODE, "x", "eval")),
    ("builtins", "__import__", ("this",)),
    ("runpy", "run_module", ("this",)),
    ("runpy", "_run_code", (_CODE, {})),
    ("importlib", "import_module", ("this",)),
    ("importlib.machinery", "SourceFileLoader", ("x", "/dev/null")),
    ("pkgutil", "resolve_name", ("os:system",)),
    ("timeit", "timeit", (_CODE,)),
    ("timeit", "main", (["-n", "1", _CODE],)),
    ("cProfile", "run", (_CODE,)),
    ("profile", "runctx", (_CODE, {}, {})),
    ("trace", "Trace.run", (_CODE,)),
    ("pdb", "run", (_CODE,)),
    ("code", "interact", ("x",)),
    ("doctest", "debug_script", (_CODE,)),
    ("pydoc", "pipepager", ("x", _SHELL)),
    ("platform", "popen", (_SHELL,)),
    ("webbrowser", "open", (_NOWHERE,)),
    ("ctypes", "CDLL", ("libc.so.6",)),
    ("marshal", "loads", ("N",)),
    ("ensurepip", "_run_pip", (["--version"],)),
    ("venv", "main", (["--help"],)),
    ("multiprocessing.util", "spawnv_passfds", ("/bin/true", ["true"], [])),
    ("asyncio", "create_subprocess_shell", (_SHELL,)),
    ("idlelib.run", "Executive", (1,)),
    ("distutils.spawn", "spawn", ([_SHELL],)),
    ("logging.config", "_resolve", ("os.system",)),
    ("logging.config", "dictConfig", ({"version": 1, "handlers": {"h": {"()": "os.abort"}}},)),
    ("test.support.script_helper", "assert_python_ok", ("-c", _CODE)),
    ("sqlite3", "enable_callback_tracebacks", (1,)),
    ("uuid", "_get_command_stdout", (_SHELL,)),
    ("_osx_support", "_read_output", (_SHELL,)),
)

STDLIB_FILES: Callables = (
    ("builtins", "open", ("/tmp/x", "w")),
    ("io", "open", ("/tmp/x", "w")),
    ("os", "remove", ("/tmp/x",)),
    ("os", "rename", ("/tmp/x", "/tmp/y")),
    ("os", "symlink", ("/tmp/x", "/tmp/y")),
    ("shutil", "rmtree", ("/tmp/x",)),
    ("shutil", "copyfile", ("/tmp/x", "/tmp/y")),
    ("pathlib", "Path.write_text", ("/tmp/x", "x")),
    ("linecache", "getlines", ("/etc/hostname",)),
    ("fileinput", "input", ("/etc/hostname",)),
    ("tempfile", "NamedTemporaryFile", ("w",)),
    ("dbm", "open", ("/tmp/x", "c")),
    ("shelve", "open", ("/tmp/x",)),
    ("logging", "FileHandler", ("/tmp/x",)),
    ("zipfile", "ZipFile", ("/tmp/x", "w")),
    ("tarfile", "open", ("/tmp/x", "w")),
    ("distutils.file_util", "write_file", ("/tmp/x", ["x"])),
    ("py_compile", "compile", ("/tmp/x",)),
    ("site", "addsitedir", ("/tmp/x",)),
    ("sqlite3", "connect", ("/tmp/x",)),
)

STDLIB_NETWORK: Callables = (
    ("socket", "create_connection", (("127.0.0.1", 9),)),
    ("socket", "gethostbyname", ("x.invalid",)),
    ("urllib.request", "urlopen", (_NOWHERE,)),
    ("urllib.request", "urlretrieve", (_NOWHERE, "/tmp/x")),
    ("http.client", "HTTPConnection", ("127.0.0.1",)),
    ("ssl", "get_server_certificate", (("127.0.0.1", 9),)),
    ("smtplib", "SMTP", ("127.0.0.1",)),
    ("ftplib", "FTP", ("127.0.0.1",)),
    ("imaplib", "IMAP4_stream", (_SHELL,)),
    ("poplib", "POP3", ("127.0.0.1",)),
    ("telnetlib", "Telnet", ("127.0.0.1",)),
    ("xmlrpc.client", "ServerProxy", (_NOWHERE,)),
    ("logging.handlers", "SocketHandler", ("127.0.0.1", 9)),
    ("multiprocessing.connection", "Client", (("127.0.0.1", 9),)),
)

FRAMEWORKS: Callables = (
    ("torch", "load", ("/tmp/x",)),
    ("torch.hub", "load", ("org/repo", "model")),
    ("torch.serialization", "load", ("/tmp/x",)),
    ("torch.utils.cpp_extension", "load_inline", ("x", "")),
    ("torch.utils.collect_env", "run", (_SHELL,)),
    ("torch.utils.bottleneck.__main__", "run_cprofile", (_CODE, {})),
    ("torch.jit.unsupported_tensor_ops", "execWrapper", (_CODE, {}, {})),
    ("torch._inductor.codecache", "compile_file", ("/tmp/x.cpp", "/tmp/x.so", [_SHELL])),
    ("torch._dynamo.guards", "GuardBuilder.get", (_CODE,)),
    ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", (_CODE,)),
    ("torch.utils._config_module", "load_config", ("x",)),
    ("numpy.f2py.crackfortran", "getlincoef", (_CODE, {})),
    ("numpy.f2py.crackfortran", "myeval", (_CODE,)),
    ("numpy.testing._private.utils", "runstring", (_CODE, {})),
    ("numpy", "load", ("/tmp/x",)),
    ("numpy", "fromfile", ("/etc/hostname",)),
    ("numpy", "memmap", ("/tmp/x",)),
    ("pandas", "read_pickle", ("/tmp/x",)),
    ("pandas", "eval", (_CODE,)),
    ("pandas.io.common", "get_handle", ("/tmp/x", "w")),
    ("joblib", "load", ("/tmp/x",)),
    ("sklearn.datasets", "fetch_openml", ("x",)),
    ("sklearn.externals.joblib", "load", ("/tmp/x",)),
    ("scipy.io", "savemat", ("/tmp/x", {})),
    ("transformers", "AutoModel.from_pretrained", ("org/repo",)),
    ("transformers.dynamic_module_utils", "get_class_from_dynamic_module", ("m.X", "org/repo")),
    ("keras.models", "load_model", ("/tmp/x",)),
    ("tensorflow.io", "write_file", ("/tmp/x", "x")),
    ("xgboost", "Booster", ({}, (), "/tmp/x")),
    ("huggingface_hub", "snapshot_download", ("org/repo",)),
)

TOOLS: Callables = (
    ("pip", "main", (["--version"],)),
    ("pip._internal", "main", (["--version"],)),
    ("pip._internal.utils.subprocess", "call_subprocess", ([_SHELL],)),
    ("setuptools.sandbox", "run_setup", ("setup.py", [])),
    ("setuptools._distutils.spawn", "spawn", ([_SHELL],)),
    ("nltk.internals", "java", ([_SHELL],)),
    ("nltk.data", "load", ("pickle:/tmp/x",)),
    ("IPython.core.interactiveshell", "InteractiveShell.system", (_SHELL,)),
    ("IPython.utils.process", "getoutput", (_SHELL,)),
    ("numexpr", "evaluate", (_CODE,)),
    ("sympy", "sympify", (_CODE,)),
    ("yaml", "unsafe_load", (_CODE,)),
    ("jsonpickle", "decode", ("{}",)),
    ("dill", "loads", ("x",)),
    ("cloudpickle", "loads", ("x",)),
    ("fsspec", "open", (_NOWHERE,)),
    ("requests", "get", (_NOWHERE,)),
    ("requests.api", "post", (_NOWHERE,)),
    ("pexpect", "run", (_SHELL,)),
    ("psutil", "Popen", ([_SHELL],)),
    ("git", "Repo.clone_from", (_NOWHERE, "/tmp/x")),
    ("fire", "Fire", (_CODE,)),
    ("execnet", "makegateway", ("popen",)),
    ("cffi", "FFI", ()),
    ("paramiko", "SSHClient", ()),
)

UNLISTED: Callables = (
    ("somelibrary.tools", "start", ("x",)),
    ("acme_models.registry", "Registry.open", ("x",)),
    ("train", "MyNet", ()),
    ("__main__", "setup", ()),
    ("utils.hooks", "on_load", ("x",)),
    ("_vendor.runtime", "bootstrap", ()),
    ("torchx_tools", "init", ()),
    ("numpy_extras", "restore", ()),
)


def _named(table: Callables, first: int) -> dict[str, Make]:
    return {
        f"{module}.{name}": _make(first + at, module, name, given) for at, (module, name, given) in enumerate(table)
    }


def _make(number: int, module: str, name: str, given: tuple[object, ...]) -> Make:
    if "." in name:  # a dotted name is only looked up from protocol 4 on
        return lambda: {"model.pkl": call(module, name, *given, protocol=4)}
    return lambda: carried(number, called(found(module, name), *given))


_PICKLE = "pickle.load, torch.load, joblib.load"

CASES: tuple[tuple[Case, ...], ...] = (
    cases(Label.MALICIOUS, "stdlib-code", _named(STDLIB_CODE, 0), loader=_PICKLE, source="CVE-2025-1716 and kin"),
    cases(Label.MALICIOUS, "stdlib-files", _named(STDLIB_FILES, 1), loader=_PICKLE, source="CVE-2026-56304"),
    cases(Label.MALICIOUS, "stdlib-network", _named(STDLIB_NETWORK, 2), loader=_PICKLE, source="CVE-2025-46417"),
    cases(Label.MALICIOUS, "frameworks", _named(FRAMEWORKS, 3), loader=_PICKLE, source="picklescan advisories"),
    cases(Label.MALICIOUS, "tools", _named(TOOLS, 4), loader=_PICKLE, source="arXiv 2508.19774", held_out=True),
    cases(Label.MALICIOUS, "unlisted", _named(UNLISTED, 0), loader=_PICKLE),
)
