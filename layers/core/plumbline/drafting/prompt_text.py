"""A prompt file's text with more bad examples: comments and layout stay, so that a person can compare the versions."""

import hashlib
import textwrap
from collections.abc import Sequence

import yaml

from plumbline.contracts.errors import InvalidPrompt
from plumbline.contracts.prompts import BadExample, Prompt, PromptRef
from plumbline.drafting.writing import Drafted
from plumbline.prompting import LoadedPrompt, parse_prompt

DRAFTED = "# drafted from case "
TODO = (
    "# TODO: say why it is wrong, in a sentence or two, and replace the case by an invented one; then delete this line"
)
_WIDTH = 110


def with_examples(text: str, base: Prompt, version: str, summary: str, drafts: Sequence[Drafted]) -> str:
    """`text`, the file of `base`, as `version` with the drafts after its bad examples.

    Each is headed by a comment that names the case it was drafted from. Raises InvalidPrompt where the text cannot be
    added to, such as one whose examples stand in YAML's flow style.
    """
    added = "\n\n".join(_item(draft) for draft in drafts)
    nodes = _nodes(text)
    edits = [
        (*_span(nodes["version"][1]), version),
        (*_span(nodes["summary"][1]), _quoted(summary)),
    ]
    if "bad_examples" in nodes and isinstance(nodes["bad_examples"][1], yaml.SequenceNode):
        listed = nodes["bad_examples"][1]
        if listed.flow_style:
            raise InvalidPrompt(f"{base.task}/{base.version}: bad_examples stands in [ ]; write one example a line")
        indent = " " * listed.start_mark.column
        end = len(text[: listed.value[-1].end_mark.index].rstrip())
        edits.append((end, end, f"\n\n{textwrap.indent(added, indent)}"))
    else:
        start = nodes["instructions"][0].start_mark.index
        edits.append((start, start, f"bad_examples:\n{textwrap.indent(added, '  ')}\n\n"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def as_version(
    text: str, base: Prompt, version: str, summary: str, drafts: Sequence[Drafted]
) -> tuple[str, LoadedPrompt]:
    """The new text and the prompt that it is, without a file. Raises InvalidPrompt where they would disagree."""
    fresh = with_examples(text, base, version, summary, drafts)
    prompt = parse_prompt(f"{base.task}/{version}.yaml", fresh.encode())
    wanted = [*base.bad_examples, *(_as_read(draft.example) for draft in drafts)]
    if [*prompt.bad_examples] != wanted or prompt.category_names != base.category_names:
        raise InvalidPrompt(f"{base.task}/{base.version}: examples cannot be added to this file's layout")
    ref = PromptRef(task=base.task, version=version, sha256=hashlib.sha256(fresh.encode()).hexdigest())
    return fresh, LoadedPrompt(prompt=prompt, ref=ref)


def _as_read(example: BadExample) -> BadExample:
    return example.model_copy(update={name: getattr(example, name).strip() for name in ("case", "why_wrong")})


def _nodes(text: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return {key.value: (key, value) for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}


def _span(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _quoted(text: str) -> str:
    return yaml.safe_dump(text, width=10_000, allow_unicode=True, default_style='"').strip()


def _item(draft: Drafted) -> str:
    example = draft.example
    fields = {
        "case": _Literal(f"{example.case}\n"),
        "wrong_category": example.wrong_category,
        "why_wrong": _Folded(example.why_wrong),
        "category": example.category,
    }
    dumped = yaml.dump([fields], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH).rstrip()
    comments = [f"{DRAFTED}{draft.case_id}", *([TODO] if draft.unfinished else [])]
    return "\n".join([*comments, dumped])


class _Literal(str):
    """Text that stands as `|`."""


class _Folded(str):
    """Text that stands as `>-`."""


class _Dumper(yaml.SafeDumper):
    """Knows the two."""


def _represented(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if isinstance(value, _Literal) else ">"
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


_Dumper.add_representer(_Literal, _represented)
_Dumper.add_representer(_Folded, _represented)
