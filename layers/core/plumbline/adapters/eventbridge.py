"""EventBus on Amazon EventBridge: the account's default bus."""

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from plumbline.adapters import clients
from plumbline.contracts.errors import EventsUnavailable

SOURCE: Final = "plumbline"


class DefaultEventBus:
    """Rules on the default bus see every event; without one an event is gone."""

    def send(self, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Send one event. Raises EventsUnavailable when EventBridge refuses it or is not reached."""
        entry = {"Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail)}
        try:
            answer = clients.events().put_events(Entries=[entry])  # type: ignore[list-item]  # a TypedDict of the stubs
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise EventsUnavailable(f"EventBridge did not take the event {detail_type!r} ({code})") from None
        except BotoCoreError as error:
            raise EventsUnavailable(f"EventBridge was not reached ({type(error).__name__})") from None
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "unknown")
            raise EventsUnavailable(f"EventBridge did not take the event {detail_type!r} ({code})")
