"""Kinds of files: which names they have, and who reads them.

Names alone are told here. Who reads a kind is imported when the first file of it is read: most changes name no model,
and need none of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.ci.extractor import Extractor, ending, file_name
from gatekeeper.endings import LOCK_NAME, is_weights
from gatekeeper.limits import Limits
from gatekeeper.mention import Mention


class LockFiles:
    """`gatekeeper.lock`: what a team has pinned."""

    def takes(self, path: str) -> bool:
        """Whether it has the lock's name."""
        return file_name(path) == LOCK_NAME

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Give every pinned model at the line where its table begins."""
        from gatekeeper.ci.lock_file import read_lock

        return read_lock(data)


class ModelFiles:
    """Files with the endings of weights."""

    def takes(self, path: str) -> bool:
        """Whether its ending is one of weights or graphs."""
        return is_weights(path)

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Give the file itself, with the digest of its content, or what its pointer says of that."""
        from gatekeeper.ci.model_files import read_weights

        return read_weights(data, path, limits)


class DvcFiles:
    """Files of DVC."""

    def takes(self, path: str) -> bool:
        """Whether it is one by its name."""
        return ending(path) == ".dvc" or file_name(path) in {"dvc.yaml", "dvc.lock"}

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find dependencies on the Hub, weights among the outputs, and what the commands of stages load."""
        from gatekeeper.ci.dvc import read_dvc

        return read_dvc(data, path, limits)


class Dockerfiles:
    """Recipes of container images."""

    def takes(self, path: str) -> bool:
        """Whether it has the name of one: `Dockerfile`, `Dockerfile.gpu`, `serve.dockerfile`."""
        name = file_name(path)
        stem = name.split(".", 1)[0]
        return stem in {"dockerfile", "containerfile"} or ending(name) in {".dockerfile", ".containerfile"}

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find models in variables, in commands and in what is added."""
        from gatekeeper.ci.dockerfile import read_dockerfile

        return read_dockerfile(data)


class Modelfiles:
    """`FROM` and `ADAPTER` of Ollama."""

    def takes(self, path: str) -> bool:
        """Whether it is `Modelfile`, `Modelfile.prod`, `chat.modelfile`."""
        return file_name(path).split(".", 1)[0] == "modelfile" or ending(path) == ".modelfile"

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find what it is made from."""
        from gatekeeper.ci.modelfile import read_modelfile

        return read_modelfile(data)


_VARIABLES = frozenset({".cfg", ".conf", ".env", ".hcl", ".ini", ".properties", ".tf", ".tfvars"})
_VARIABLES_NAMES = frozenset({".env", ".gitmodules", "env.example", "env.sample", "env.template"})


class EnvironmentFiles:
    """Variables and settings, one a line."""

    def takes(self, path: str) -> bool:
        """Whether it is `.env`, `.env.production`, `serve.env`, `.gitmodules`, or has an ending of such files."""
        name = file_name(path)
        return ending(path) in _VARIABLES or name in _VARIABLES_NAMES or name.startswith(".env.")

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find settings that are models; those of a section or block stand together."""
        from gatekeeper.ci.environment import read_variables

        return read_variables(data, path)


class PythonCode:
    """Python source."""

    def takes(self, path: str) -> bool:
        """Whether it ends as Python does."""
        return ending(path) in {".py", ".pyi", ".pyw"}

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find the calls that load models, and settings with the names of models."""
        from gatekeeper.ci.python_code import source

        return source(data)


class Notebooks:
    """Jupyter's notebooks, as files."""

    def takes(self, path: str) -> bool:
        """Whether it ends as one."""
        return ending(path) == ".ipynb"

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Read the code cells as one program, and the shell commands in them."""
        from gatekeeper.ci.notebooks import read_notebook

        return read_notebook(data, limits)


_SCRIPTS = frozenset(
    {".bash", ".bat", ".cmd", ".command", ".ksh", ".mk", ".ps1", ".psm1", ".sbatch", ".sh", ".slurm", ".zsh"}
)
_SCRIPT_NAMES = frozenset(
    {"makefile", "gnumakefile", "justfile", "procfile", "entrypoint", "bashrc", ".bashrc", ".envrc"}
)


class ShellScripts:
    """Shell scripts, Makefiles, and scripts by their first line."""

    def takes(self, path: str) -> bool:
        """Whether it has the ending or name of one."""
        return ending(path) in _SCRIPTS or file_name(path) in _SCRIPT_NAMES

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find the commands that load models, also in the files that a script writes."""
        from gatekeeper.ci.shell_files import read_script

        return read_script(data, path, limits, _WRITTEN)


_NOT_READ = frozenset(
    {"package-lock.json", "pnpm-lock.yaml", "composer.lock", "poetry.lock", "uv.lock", "cargo.lock", "pipfile.lock"}
    | {"tokenizer.json", "vocab.json", "tokenizer_config.json", "special_tokens_map.json", "config.json.index"}
)
"""Files that tools make, and vocabularies: large, and nothing is loaded because of them."""


class YamlFiles:
    """YAML, with the templates of charts."""

    def takes(self, path: str) -> bool:
        """Whether it ends as YAML does."""
        name = file_name(path)
        return (ending(path) in {".yaml", ".yml", ".tpl", ".gotmpl", ".dvc"} and name not in _NOT_READ) or (
            name.endswith((".yaml.j2", ".yml.j2", ".yaml.jinja", ".yml.template", ".yaml.template", ".yaml.tmpl"))
        )

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find models in settings, commands and scripts."""
        from gatekeeper.ci.configuration import read_yaml

        return read_yaml(data, path, limits)


class JsonFiles:
    """JSON, also with comments."""

    def takes(self, path: str) -> bool:
        """Whether it ends as JSON does."""
        return ending(path) in {".json", ".json5", ".jsonc"} and file_name(path) not in _NOT_READ

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find models in settings and commands."""
        from gatekeeper.ci.configuration import read_json

        return read_json(data, limits)


class TomlFiles:
    """TOML."""

    def takes(self, path: str) -> bool:
        """Whether it ends as TOML does."""
        return ending(path) == ".toml" and file_name(path) not in _NOT_READ

    def extract(self, data: bytes, path: str, limits: Limits) -> Iterator[Mention]:
        """Find models in settings and commands."""
        from gatekeeper.ci.configuration import read_toml

        return read_toml(data, limits)


EXTRACTORS: tuple[Extractor, ...] = (
    LockFiles(),
    ModelFiles(),
    DvcFiles(),
    Dockerfiles(),
    Modelfiles(),
    EnvironmentFiles(),
    PythonCode(),
    Notebooks(),
    ShellScripts(),
    YamlFiles(),
    JsonFiles(),
    TomlFiles(),
)
"""The first that takes a file reads it."""

_WRITTEN: tuple[Extractor, ...] = (
    Dockerfiles(), Modelfiles(), EnvironmentFiles(), YamlFiles(), JsonFiles(), TomlFiles()
)  # fmt: skip
"""Files that scripts write, by a here-document."""
