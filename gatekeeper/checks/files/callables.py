"""What a dotted name that a file asks a loader to import or call stands for.

Configurations, Keras files and others name callables by text. A name is believed as far as its library is one of
models and it is a class there; what starts processes, runs code, opens connections or writes files is told apart.
"""

from __future__ import annotations

import sys
from enum import IntEnum


class Trust(IntEnum):
    """What calling the name would mean. Ordered, best first."""

    MODEL = 0
    """A class or function of a library of models, or plain data of Python's own."""

    UNKNOWN = 1
    """Nothing is known about it: the publisher's own package, most often."""

    REACHES = 2
    """A function that loads, fetches or writes what its arguments say."""

    RUNS = 3
    """It starts processes, runs code or is of those parts of Python that no model configuration needs."""


_LIBRARIES = frozenset(
    {
        "accelerate", "allennlp", "asteroid", "asteroid_filterbanks", "audiocraft", "bitsandbytes", "catboost",
        "cldm", "detectron2", "diffusers", "einops", "encodec", "espnet", "espnet2", "fairseq", "flair", "flash_attn",
        "flax", "gluonts", "haystack", "hydra", "imwatermark", "jax", "keras", "keras_cv", "keras_hub", "keras_nlp",
        "kornia", "ldm", "lightgbm", "lightning", "megatron", "mlflow", "mmcv", "mmdet", "mmengine", "monai", "nemo",
        "nemo_text_processing", "numpy", "omegaconf", "onnxruntime", "open_clip", "optax", "optimum", "paddle",
        "paddlenlp", "pandas", "peft", "polars", "pyannote", "pymc", "pytorch_lightning", "pytorch_metric_learning",
        "ruamel", "scipy", "segmentation_models_pytorch", "sentence_transformers", "sentencepiece", "sgm", "sklearn",
        "skops", "spacy", "spacy_transformers", "speechbrain", "stanza", "taming", "tensorflow", "tf_keras", "thinc",
        "timm", "tokenizers", "torch", "torchaudio", "torchmetrics", "torchtune", "torchvision", "transformers",
        "ultralytics", "vocos", "x_transformers", "xformers", "xgboost",
    }
)  # fmt: skip
"""Top-level packages of models, whose classes honest configurations name."""

_DATA = frozenset(
    {
        "_codecs.encode", "argparse.Namespace", "builtins.abs", "builtins.bool", "builtins.bytes", "builtins.complex",
        "builtins.dict", "builtins.enumerate", "builtins.float", "builtins.frozenset", "builtins.int", "builtins.len",
        "builtins.list", "builtins.max", "builtins.min", "builtins.range", "builtins.round", "builtins.set",
        "builtins.slice", "builtins.sorted", "builtins.str", "builtins.sum", "builtins.tuple", "builtins.zip",
        "collections.Counter", "collections.OrderedDict", "collections.defaultdict", "collections.deque",
        "copyreg._reconstructor", "datetime.date", "datetime.datetime", "datetime.timedelta", "decimal.Decimal",
        "fractions.Fraction", "functools.partial", "logging.getLogger", "pathlib.Path", "pathlib.PosixPath",
        "pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.WindowsPath", "random.Random", "random.seed",
        "types.SimpleNamespace", "uuid.UUID",
    }
)  # fmt: skip
"""Names of Python's own that build data. `functools.partial` calls what it is given, which is judged by itself."""

_PLAIN_MODULES = frozenset({"math", "cmath", "statistics", "numbers", "string"})

_IDLE_MODULES = frozenset(
    {
        "abc", "array", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "dataclasses",
        "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json",
        "logging", "operator", "pathlib", "pprint", "queue", "random", "re", "struct", "textwrap", "time", "typing",
        "unicodedata", "uuid", "warnings", "weakref", "zoneinfo",
    }
)  # fmt: skip
"""Modules of Python's own from which a configuration could take a helper, and which start nothing by themselves."""

_OLD_MODULES = frozenset(
    {
        "__builtin__", "__main__", "asynchat", "asyncore", "cPickle", "cgi", "commands", "crypt", "distutils",
        "httplib", "imp", "java", "lib2to3", "nntplib", "nt", "ntpath", "pipes", "popen2", "posix", "posixpath",
        "smtpd", "spwd", "telnetlib", "urllib2",
    }
)  # fmt: skip
"""Modules of other versions or systems, so that the answer is the same everywhere."""

_RUNNING = frozenset(
    {
        "IPython", "_distutils_hack", "aiohttp", "cffi", "click", "cloudpickle", "dill", "fabric", "fire", "fsspec",
        "gdown", "hatchling", "httpx", "invoke", "ipykernel", "joblib", "jupyter_core", "numba", "paramiko",
        "pexpect", "pip", "pkg_resources", "plumbum", "psutil", "py_compile", "pydoc_data", "requests", "setuptools",
        "sh", "subprocess32", "test", "urllib3", "uv", "virtualenv", "wget", "wheel",
    }
)  # fmt: skip
"""Packages that run, install, unpickle or fetch, and hold no part of a model."""

_RUNNING_PARTS = frozenset(
    {
        "CodeType", "FileHandler", "FunctionType", "Popen", "__builtins__", "__globals__", "__import__", "__reduce__",
        "__subclasses__", "_locate", "attrgetter", "builtins", "cpp_extension", "dictConfig", "distutils",
        "enable_unsafe_deserialization", "eval", "exec", "exec_command", "f2py", "fileConfig", "get_object",
        "import_from_string", "import_module", "import_module_class", "importlib", "load_library", "load_op_library",
        "methodcaller", "multiprocessing", "numpy_function", "os", "popen", "py_func", "py_function", "reduce",
        "run_module", "run_path", "runstring", "subprocess", "sys", "system",
    }
)  # fmt: skip
"""Parts of names by which a library of models hands out what runs: `numpy.testing._private.utils.runstring`, and
modules that others merely import, as `torch.os`."""

_REACHING_PARTS = frozenset(
    {
        "DataSource", "NpzFile", "cached_download", "cached_path", "download", "download_url_to_file", "fetch",
        "from_file", "fromfile", "full_load", "genfromtxt", "get_class", "get_class_from_dynamic_module", "get_file",
        "get_method", "gfile", "hf_hub_download", "http_get", "hub", "image_dataset_from_directory",
        "init_process_group", "load", "load_from_checkpoint", "load_img", "load_model", "load_module",
        "load_state_dict_from_url", "load_weights", "loads", "loadtxt", "memmap", "open", "package", "push_to_hub",
        "read_file", "read_pickle", "register_as_pickle", "restore_from", "rpc", "safe_load", "save", "save_img",
        "save_model", "save_pretrained", "savetxt", "savez", "snapshot_download", "to_pickle", "tofile", "torch_load",
        "unsafe_load", "urlopen", "urlretrieve", "write_file",
    }
)  # fmt: skip
"""Parts of names of functions that load, fetch or write."""


def trust(name: str) -> Trust:
    """Say what importing and calling a dotted name would mean.

    Args:
        name: `package.module.name` as the file spells it; `package.module:name` counts as that.
    """
    parts = name.replace(":", ".").strip().split(".")
    dotted, top = ".".join(parts), parts[0]
    if dotted in _DATA or top in _PLAIN_MODULES:
        return Trust.MODEL
    if _RUNNING_PARTS & set(parts[1:]) or top in _RUNNING or (is_standard(top) and top not in _IDLE_MODULES):
        return Trust.RUNS
    if top in _IDLE_MODULES or _REACHING_PARTS & set(parts[1:]) or dotted == "transformers.pipeline":
        return Trust.REACHES
    return Trust.MODEL if top in _LIBRARIES else Trust.UNKNOWN


def is_standard(top: str) -> bool:
    """Whether a top-level module is one of Python's own, in any version."""
    return top in sys.stdlib_module_names or top in _OLD_MODULES


def is_library(top: str) -> bool:
    """Whether a top-level package is a library of models."""
    return top in _LIBRARIES
