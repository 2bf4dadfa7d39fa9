"""YAML for files that people write by hand: safe types only, and a key used twice is an error, not a silent loss."""

from collections.abc import Iterator

import yaml

_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_yaml(data: bytes) -> object:
    """The one document in `data`, as plain Python values; None for an empty file.

    Raises ValueError, its message beginning with `line N:` where a line is to blame, for bytes that are not UTF-8, not
    YAML, or hold a mapping with a repeated key.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: not UTF-8") from None
    try:
        return _document(text)
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{where}not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ValueError("not YAML: nested too deeply") from None


def _document(text: str) -> object:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        for key in _repeated_keys(node):
            raise ValueError(f"line {key.start_mark.line + 1}: the key {key.value!r} is used twice")
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _repeated_keys(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Keys that repeat an earlier key of their mapping; YAML's own constructor keeps the last and says nothing."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys = set[str]()
            for key, value in node.value:
                waiting.append(value)
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        yield key
                    keys.add(key.value)
