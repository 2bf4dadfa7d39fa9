"""What outcomes and repairs are called on the page."""

from plumbline.contracts.labels import OutcomeName

OUTCOMES: dict[OutcomeName, str] = {
    "labeled": "Labeled",
    "needs_review": "Needs review",
    "dropped": "Dropped",
    "failed": "Failed",
    "unchanged": "Unchanged",
}
_REPAIRS = {
    "fence": "Inside a code fence",
    "entities": "Tags written as entities",
    "tag_form": "Tag written another way",
    "unclosed": "Tag left open",
    "order": "Parts in another order",
    "stray_text": "Text outside the tags",
    "no_reasoning": "No reasoning",
    "untagged": "Category without a tag",
    "repeated": "Category given twice",
    "name_form": "Category written another way",
    "alias": "Alias of a category",
    "near_match": "Category misspelled",
    "runner_up": "Unknown runner-up left out",
    "truncated": "Cut off after the category",
    "re_asked": "Asked again",
}


def repair_name(code: str) -> str:
    """A repair in words; a code that has none yet stays as it is."""
    return _REPAIRS.get(code, code)
