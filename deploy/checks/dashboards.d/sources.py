"""What is put up beside the dashboards: whether it can be read, and whether sources lead to one another and are those that dashboards ask.

Prints what is wrong and ends with 1 if anything is.
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
CONF = ROOT / "deploy/conf"
# Each line may have these as labels, which make series; anything else is a flood of them.
LABELS = {"service", "level"}


def main():
    problems = []
    for path in [*CONF.glob("loki/*.yml"), *CONF.glob("jaeger/*.yml"), *CONF.glob("grafana/**/*.yml")]:
        yaml.safe_load(path.read_text(encoding="utf-8"))
    sources = yaml.safe_load((CONF / "grafana/provisioning/datasources/sources.yml").read_text(encoding="utf-8"))["datasources"]
    uids, types = {source["uid"] for source in sources}, {source["type"] for source in sources}
    led_to = set(re.findall(r'"datasourceUid": "(\w+)"', json.dumps(sources)))
    problems += [f"sources.yml: there is no source {uid}" for uid in sorted(led_to - uids)]
    for path in sorted(ROOT.glob("dashboards/*.json")):
        asked = {panel["datasource"]["type"] for panel in json.loads(path.read_text(encoding="utf-8"))["panels"] if "datasource" in panel}
        problems += [f"{path.name}: nobody answers {kind}" for kind in sorted(asked - types)]
    kept = re.search(r"stage\.label_keep \{\s*values = (\[.*\])", (CONF / "alloy/config.alloy").read_text(encoding="utf-8"))
    if not kept or set(json.loads(kept[1])) != LABELS:
        problems.append(f"config.alloy: other labels than {', '.join(sorted(LABELS))} are kept")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
