"""What a person does to the pointer: promote by hand, roll back."""

from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline import keys
from plumbline.contracts.errors import ModelFileBroken, NoModelInService
from plumbline.contracts.models import MODEL_FILE, ModelPointer
from plumbline.promote_model.by_hand import in_order, promote_by_hand, roll_back
from tests.fakes import MemoryModelRegistry, MemoryStore
from tools import world_models as w
from tools.tiny_model import MADE, put_in_service

LATER = MADE + timedelta(days=1)


class Shelf:
    """Models a, b, c, … promoted one after the other."""

    def __init__(self, names: str) -> None:
        self.data, self.registry = MemoryStore(), MemoryModelRegistry()
        dataset = w.put_dataset(self.data, "d", w.WORDS)
        for name in names:
            put_in_service(self.data, self.registry, name, w.CATEGORIES, w.WORDS, dataset)

    def back(self) -> str:
        return roll_back(w.TASK, data=self.data, registry=self.registry, now=LATER).now.version

    def lose(self, name: str) -> None:
        del self.data.objects[keys.serving(w.TASK, name, MODEL_FILE)]


def test_going_back_and_back_again_until_there_is_no_more() -> None:
    shelf = Shelf("abc")
    assert shelf.back() == "b"
    current = shelf.registry.current(w.TASK)
    assert current is not None
    assert (current.why, current.previous, current.promoted_at) == ("rollback", "c", LATER)
    assert shelf.back() == "a"
    with pytest.raises(NoModelInService, match="no earlier model"):
        shelf.back()
    current = shelf.registry.current(w.TASK)
    assert current is not None
    assert current.version == "a"


def test_after_a_rollback_and_a_promotion_the_bad_one_is_not_gone_back_to() -> None:
    shelf = Shelf("ab")
    shelf.back()
    dataset = w.put_dataset(shelf.data, "d", w.WORDS)
    put_in_service(shelf.data, shelf.registry, "c", w.CATEGORIES, w.WORDS, dataset)
    assert shelf.back() == "a"


def test_versions_whose_files_are_gone_are_skipped_and_named() -> None:
    shelf = Shelf("abc")
    shelf.lose("b")
    done = roll_back(w.TASK, data=shelf.data, registry=shelf.registry, now=LATER)
    assert (done.before.version, done.now.version) == ("c", "a")
    [(version, why)] = done.skipped
    assert version == "b"
    assert "model.onnx" in why


def test_where_every_earlier_one_is_gone_the_pointer_stays() -> None:
    shelf = Shelf("ab")
    shelf.lose("a")
    with pytest.raises(NoModelInService, match=r"go back to from b; .*model\.onnx"):
        shelf.back()
    assert len(shelf.registry.pointers) == 2


def test_without_a_model_there_is_nothing_to_go_back_from() -> None:
    with pytest.raises(NoModelInService, match="no model in service"):
        Shelf("").back()


def test_a_promotion_by_hand_checks_the_files_first() -> None:
    shelf = Shelf("ab")
    row = shelf.registry.recorded[w.TASK, "a"]
    before = shelf.registry.current(w.TASK)
    pointer = promote_by_hand(row, data=shelf.data, registry=shelf.registry, before=before, now=LATER)
    assert (pointer.version, pointer.previous, pointer.why) == ("a", "b", "by_hand")
    assert shelf.registry.current(w.TASK) == pointer
    shelf.lose("b")
    row = shelf.registry.recorded[w.TASK, "b"]
    with pytest.raises(ModelFileBroken):
        promote_by_hand(row, data=shelf.data, registry=shelf.registry, before=pointer, now=LATER)
    assert shelf.registry.current(w.TASK) == pointer


steps = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["gate", "by_hand", "rollback"])), max_size=12)


@given(steps)
def test_in_any_history_the_newest_pointer_leads_and_no_version_stands_twice(
    steps: list[tuple[str, Literal["gate", "by_hand", "rollback"]]],
) -> None:
    history = [
        ModelPointer(task="t", version=version, prefix="p", files=(), promoted_at=MADE, why=why)
        for version, why in steps
    ]
    ordered = in_order(history[::-1])
    versions = [pointer.version for pointer in ordered]
    assert len(set(versions)) == len(versions)
    assert versions[:1] == [version for version, _ in steps[-1:]]
    assert set(versions) <= {version for version, _ in steps}
