"""What the functions ask of the store of replies and of the run's cap, followed call by call: so that an answer that is
paid for again, or money that stays set aside, is excused by what really happened to it, and by nothing else."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from local.disturbing import Call, CallFault

_SETS_ASIDE = "ADD committed :amount"  # plumbline.adapters.spend: reserve
_SETTLES = "ADD committed :change, spent :cost"  # and settle


class Watch:
    """Told of every call and of every fault that acted; safe for threads.

    A worker that is killed takes with it the answers that it was waiting for or had not stored yet; an answer whose
    storing fails is used, and then gone. Where the same request is begun anew after that, `unstored` counts it, by its
    id in the store. `unsettled` says whether money may stay set aside: its call's worker was killed, settling it
    failed, or it was set aside twice because the answer to the first time was lost.
    """

    def __init__(self, replies_table: str, ledger_table: str) -> None:
        self._replies, self._ledger = replies_table, ledger_table
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}  # id in the store to the function that asks
        self._lost: set[str] = set()
        self._set_aside: Counter[str] = Counter()
        self.unstored: Counter[str] = Counter()
        self.unsettled = False

    def heard(self, call: Call, went_well: bool) -> None:
        """A function made a call."""
        if call.service != "dynamodb":
            return
        sent: Mapping[str, Any] = json.loads(call.sent)
        with self._lock:
            if sent.get("TableName") == self._replies:
                self._of_reply(call, sent, went_well)
            elif sent.get("TableName") == self._ledger and call.operation == "UpdateItem":
                self._of_money(call.function, sent["UpdateExpression"], went_well)

    def told(self, fault: CallFault, call: Call) -> None:
        """A fault acted on a call; the workers that it killed are dead."""
        with self._lock:
            if fault.do == "kill":
                mine = {item_id for item_id, function in self._under_way.items() if function == call.function}
                self._lost |= mine
                self._under_way = {i: function for i, function in self._under_way.items() if i not in mine}
                self.unsettled |= self._set_aside.pop(call.function, 0) > 0
            elif fault.do == "fail" and fault.done and call.operation == "UpdateItem":
                sent: Mapping[str, Any] = json.loads(call.sent)
                again = sent.get("TableName") == self._ledger and sent["UpdateExpression"] == _SETS_ASIDE
                self.unsettled |= again

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
        elif call.operation == "DeleteItem" and went_well:  # nobody answered
            self._under_way.pop(item_id, None)
        elif call.operation == "PutItem" and went_well:
            self._under_way[item_id] = call.function
            if item_id in self._lost:
                self._lost.remove(item_id)
                self.unstored[item_id] += 1

    def _of_money(self, function: str, update: str, went_well: bool) -> None:
        if update == _SETS_ASIDE and went_well:
            self._set_aside[function] += 1
        elif update == _SETTLES:
            self._set_aside[function] -= 1
            self.unsettled |= not went_well
