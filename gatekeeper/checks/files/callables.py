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
        "torch", "torchaudio", "torchvision", "torchmetrics", "transformers", "diffusers", "peft", "timm", "keras",
        "sentence_transformers", "nemo", "nemo_text_processing", "lightning", "pytorch_lightning", "megatron",
        "speechbrain", "omegaconf", "hydra", "flair", "fairseq", "allennlp", "espnet", "espnet2", "open_clip",
        "numpy", "scipy", "sklearn", "tokenizers", "accelerate", "einops", "jax", "flax", "optax", "tensorflow",
        "spacy", "spacy_transformers", "thinc", "monai", "segmentation_models_pytorch", "lightgbm", "xgboost",
        "catboost", "kornia", "ultralytics", "detectron2", "mmcv", "mmdet", "mmengine", "paddle", "paddlenlp",
        "audiocraft", "encodec", "vocos", "tf_keras", "keras_hub", "keras_nlp", "keras_cv", "optimum", "pyannote",
        "asteroid", "asteroid_filterbanks", "mlflow", "sentencepiece", "ldm", "sgm", "cldm", "taming",
        "imwatermark", "ruamel", "pandas", "polars", "xformers", "flash_attn", "onnxruntime", "torchtune", "skops", "haystack", "gluonts", "pymc", "pytorch_metric_learning", "bitsandbytes", "stanza", "x_transformers",
    }
)  # fmt: skip
"""Top-level packages of models, whose classes honest configurations name."""

_DATA = frozenset(
    {
        "builtins.dict", "builtins.list", "builtins.set", "builtins.frozenset", "builtins.tuple", "builtins.int",
        "builtins.float", "builtins.str", "builtins.bool", "builtins.bytes", "builtins.range", "builtins.slice",
        "builtins.len", "builtins.max", "builtins.min", "builtins.sum", "builtins.abs", "builtins.round",
        "builtins.sorted", "builtins.zip", "builtins.enumerate", "builtins.complex",
        "collections.OrderedDict", "collections.defaultdict", "collections.deque", "collections.Counter",
        "functools.partial", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath",
        "pathlib.WindowsPath", "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "datetime.date",
        "datetime.datetime", "datetime.timedelta", "types.SimpleNamespace", "argparse.Namespace",
        "copyreg._reconstructor", "_codecs.encode", "random.Random", "random.seed", "logging.getLogger",
    }
)  # fmt: skip
"""Names of Python's own that build data. `functools.partial` calls what it is given, which is judged by itself."""

_PLAIN_MODULES = frozenset({"math", "cmath", "statistics", "numbers", "string"})

_IDLE_MODULES = frozenset(
    {
        "abc", "array", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "dataclasses", "datetime",
        "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "logging",
        "operator", "pathlib", "pprint", "queue", "random", "re", "struct", "textwrap", "time", "typing",
        "unicodedata", "uuid", "warnings", "weakref", "zoneinfo",
    }
)  # fmt: skip
"""Modules of Python's own from which a configuration could take a helper, and which start nothing by themselves."""

_OLD_MODULES = frozenset(
    {
        "__builtin__", "asynchat", "asyncore", "cgi", "commands", "crypt", "distutils", "imp", "java", "lib2to3",
        "nt", "ntpath", "nntplib", "pipes", "popen2", "posix", "posixpath", "smtpd", "spwd", "telnetlib", "urllib2",
        "httplib", "cPickle", "__main__",
    }
)  # fmt: skip
"""Modules of other versions or systems, so that the answer is the same everywhere."""

_RUNNING = frozenset(
    {
        "pip", "setuptools", "pkg_resources", "_distutils_hack", "IPython", "ipykernel", "jupyter_core", "cloudpickle",
        "dill", "joblib", "sh", "plumbum", "pexpect", "fabric", "invoke", "paramiko", "cffi", "numba", "pydoc_data",
        "subprocess32", "psutil", "py_compile", "test", "hatchling", "wheel", "virtualenv", "uv", "click", "fire",
        "requests", "httpx", "aiohttp", "urllib3", "wget", "gdown", "fsspec",
    }
)  # fmt: skip
"""Packages that run, install, unpickle or fetch, and hold no part of a model."""

_RUNNING_PARTS = frozenset(
    {
        "os", "sys", "subprocess", "builtins", "__builtins__", "importlib", "cpp_extension", "multiprocessing", "f2py",
        "distutils", "runstring", "exec_command", "exec", "eval", "system", "popen", "Popen", "__import__",
        "load_library", "load_op_library", "import_module", "run_module", "run_path", "py_func", "py_function",
        "numpy_function", "__globals__", "__subclasses__", "__reduce__", "enable_unsafe_deserialization",
        "import_from_string", "import_module_class", "_locate", "get_object", "methodcaller", "attrgetter", "reduce",
        "FunctionType", "CodeType", "FileHandler", "dictConfig", "fileConfig",
    }
)  # fmt: skip
"""Parts of names by which a library of models hands out what runs: `numpy.testing._private.utils.runstring`, and modules
that others merely import, as `torch.os`."""

_REACHING_PARTS = frozenset(
    {
        "load", "loads", "safe_load", "full_load", "unsafe_load", "load_model", "load_weights", "load_module",
        "restore_from", "torch_load", "load_from_checkpoint", "load_state_dict_from_url", "download", "download_url_to_file", "get_file", "urlopen",
        "urlretrieve", "hf_hub_download", "snapshot_download", "cached_download", "http_get", "cached_path", "fetch",
        "from_file", "fromfile", "memmap", "tofile", "save", "savez", "save_model", "genfromtxt", "loadtxt", "savetxt",
        "save_pretrained", "push_to_hub", "hub", "package", "rpc", "read_pickle", "to_pickle", "write_file",
        "read_file", "gfile", "DataSource", "NpzFile", "load_img", "save_img", "image_dataset_from_directory",
        "init_process_group", "get_class_from_dynamic_module", "open", "get_class", "get_method", "register_as_pickle",
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
