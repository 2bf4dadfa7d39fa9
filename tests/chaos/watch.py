"""What the functions ask of the store of replies and of the run's cap, followed call by call: so that an answer that is
paid for again, or money that stays set aside, is excused by what really happened to it, and by nothing else."""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from local.disturbing import Call, CallFault

_SETS_ASIDE = "ADD committed :amount"  # plumbline.adapters.spend: reserve
_SETTLES = "ADD committed :change, spent :cost"  # and settle


class _Amount(NamedTuple):
    run_id: str
    micro: int


class Watch:
    """Told of every call and of every fault that acted; safe for threads.

    A worker that is killed takes with it the answers that it was waiting for or had not stored yet; an answer whose
    storing fails is used, and then gone. Where the same request is begun anew after that, `unstored` counts it, by its
    id in the store. `unsettled` is what may stay set aside, in micro-dollars by run: its call's worker was killed,
    settling it failed, or it was set aside twice because the answer to the first time was lost. `cut_off` counts the
    calls that a kill ended, `dearest` is the most that was set aside for one.
    """

    def __init__(self, replies_table: str, ledger_table: str) -> None:
        self._replies, self._ledger = replies_table, ledger_table
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}  # id in the store to the function that asks
        self._lost: set[str] = set()
        # What a killed function was asking when it died; its last words about that may come later still.
        self._dying: dict[str, set[str]] = {}
        self._set_aside: defaultdict[str, Counter[_Amount]] = defaultdict(Counter)  # by function
        self.unstored: Counter[str] = Counter()
        self.unsettled: Counter[str] = Counter()
        self.cut_off = 0
        self.dearest = 0

    def heard(self, call: Call, went_well: bool) -> None:
        """A function made a call."""
        if call.service != "dynamodb":
            return
        sent: Mapping[str, Any] = json.loads(call.sent)
        with self._lock:
            if sent.get("TableName") == self._replies:
                self._of_reply(call, sent, went_well)
            elif sent.get("TableName") == self._ledger and call.operation == "UpdateItem":
                self._of_money(call.function, sent, went_well)

    def told(self, fault: CallFault, call: Call) -> None:
        """A fault acted on a call; the workers that it killed are dead."""
        with self._lock:
            if fault.do == "kill":
                mine = {item_id for item_id, function in self._under_way.items() if function == call.function}
                self._lost |= mine
                self._under_way = {i: function for i, function in self._under_way.items() if i not in mine}
                self._dying[call.function] = mine
                for amount in self._set_aside.pop(call.function, Counter()).elements():
                    self._end(amount)
            elif fault.do == "fail" and fault.done and call.operation == "UpdateItem":
                sent: Mapping[str, Any] = json.loads(call.sent)
                sets_aside = sent.get("TableName") == self._ledger and sent["UpdateExpression"] == _SETS_ASIDE
                if sets_aside and (amount := _amount(sent)) in self._set_aside[call.function]:  # else it was refused
                    self._never_settled(call.function, amount)

    def forgot(self, item_id: str) -> None:
        """A stored reply was taken away."""
        with self._lock:
            self.unstored[item_id] += 1

    def _of_reply(self, call: Call, sent: Mapping[str, Any], went_well: bool) -> None:
        item_id = sent.get("Item", sent.get("Key"))["id"]["S"]
        if call.operation == "UpdateItem" and not went_well:
            self._lost.add(item_id)  # until a later try stores it
        elif call.operation == "UpdateItem":
            self._under_way.pop(item_id, None)
            self._lost.discard(item_id)
            self._dying.get(call.function, set()).discard(item_id)
        elif call.operation == "DeleteItem" and went_well:  # nobody answered
            self._under_way.pop(item_id, None)
        elif call.operation == "PutItem" and went_well:
            self._under_way[item_id] = call.function
            if item_id in self._lost:
                self._lost.remove(item_id)
                self.unstored[item_id] += 1
                self._dying.pop(call.function, None)  # it is a new worker that speaks

    def _of_money(self, function: str, sent: Mapping[str, Any], went_well: bool) -> None:
        update = sent["UpdateExpression"]
        if update == _SETS_ASIDE and went_well:
            amount = _amount(sent)
            self.dearest = max(self.dearest, amount.micro)
            if self._dying.get(function):
                self._end(amount)
            else:
                self._set_aside[function][amount] += 1
        elif update == _SETTLES and not self._dying.get(function):
            amount = _amount(sent)
            if went_well:
                self._set_aside[function] -= Counter([amount])
            else:
                self._never_settled(function, amount)

    def _end(self, amount: _Amount) -> None:
        self.cut_off += 1
        self.unsettled[amount.run_id] += amount.micro

    def _never_settled(self, function: str, amount: _Amount) -> None:
        self._set_aside[function] -= Counter([amount])
        self.unsettled[amount.run_id] += amount.micro


def _amount(sent: Mapping[str, Any]) -> _Amount:
    """What an update of the cap sets aside, or gives back."""
    values = {name: int(value["N"]) for name, value in sent["ExpressionAttributeValues"].items()}
    micro = values[":amount"] if ":amount" in values else values[":cost"] - values[":change"]
    return _Amount(sent["Key"]["pk"]["S"].removeprefix("spend#"), micro)
