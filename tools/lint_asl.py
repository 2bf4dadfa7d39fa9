"""cfn-lint over the state machines: `sam validate` does not open the definition file, so it is put into a template."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def filled_in(definition: str) -> str:
    """The definition with an ARN for each `${…Arn}` and a name for every other placeholder."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"arn:aws:lambda:us-east-1:123456789012:function:{name[:-3]}" if name.endswith("Arn") else name.lower()

    return _PLACEHOLDER.sub(fill, definition)


def main() -> int:
    """cfn-lint's exit code; 0 when every state machine is clean."""
    resources = {
        "".join(part.title() for part in path.name.split(".")[0].split("_")): {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": "arn:aws:iam::123456789012:role/lint",
                "Definition": json.loads(filled_in(path.read_text("utf-8"))),
            },
        }
        for path in sorted((ROOT / "statemachine").glob("*.asl.json"))
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(template, file)
        file.flush()
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1", "--", file.name]
        code = subprocess.run(command, check=False).returncode
    print(f"cfn-lint: {len(resources)} state machine(s), {'clean' if code == 0 else 'see above'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
