"""Of each alert: a severity, words, a runbook page, tests that it is told and that it is not. Of each page: an alert. Of each metric of ours
that a rule names: somebody who tells it, or its place in the list of those that are coming, which it leaves when somebody does. Of each round: what its failing means.

Prints what is wrong and ends with 1 if anything is.
"""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = ROOT / "deploy/checks/rules.d"
CONF = ROOT / "deploy/conf"
PAGES = ROOT / "docs/runbooks"
SEVERITIES = ("critical", "warning", "info")
METRIC = re.compile(r"\brp9_[a-z0-9_]+")
# What Prometheus' histograms are told as.
PARTS = re.compile(r"_(bucket|sum|count)$")


def main():
    rules = [rule for path in sorted(CONF.glob("prometheus/rules/*.yml")) for rule in of_file(path)]
    alerts = [rule for rule in rules if "alert" in rule]
    problems = []
    for alert in alerts:
        problems += wording(alert)
    problems += pages({alert["alert"] for alert in alerts})
    problems += tests(alerts)
    problems += orders()
    problems += metrics(rules)
    problems += inhibitions({alert["alert"] for alert in alerts})
    problems += rounds()
    if not alerts:
        problems.append("there are no alerts at all: they are looked for in the wrong place")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"rules: {len(alerts)} alerts, {len(rules) - len(alerts)} recorded, {len(problems)} problems")
    return 1 if problems else 0


def of_file(path):
    return [rule for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def wording(alert):
    """What is missing of what people are told."""
    name, labels, said = alert["alert"], alert.get("labels", {}), alert.get("annotations", {})
    if labels.get("severity") not in SEVERITIES:
        yield f"{name}: its severity is none of {', '.join(SEVERITIES)}"
    if not labels.get("component"):
        yield f"{name}: it does not say which component it follows from"
    if not said.get("summary") or "\nFirst: " not in said.get("description", ""):
        yield f"{name}: a summary, and a description with what to do first, are needed"
    if said.get("runbook_url") != f"docs/runbooks/{name}.md":
        yield f"{name}: its runbook_url is not docs/runbooks/{name}.md"


def pages(names):
    """Alerts without a page, pages without an alert, and what the index leaves out."""
    there = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    yield from (f"docs/runbooks/{name}.md is missing" for name in sorted(names - there))
    yield from (f"docs/runbooks/{name}.md: there is no such alert" for name in sorted(there - names))
    yield from (f"docs/runbooks/README.md does not name {name}" for name in sorted(there) if f"({name}.md)" not in index)


def tests(alerts):
    """Alerts, by severity, that no test expects, and those that none expects not to be told."""
    told, untold = set(), set()
    for path in HERE.glob("*.yml"):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for asked in test["promql_expr_test"]:
                name = re.search(r'alertname="(\w+)"', asked["expr"])[1]
                found = [re.search(r'severity="(\w+)"', sample["labels"])[1] for sample in asked["exp_samples"]]
                told |= {(name, severity) for severity in found}
                untold |= {name} - {name for _ in found}
    for name, severity in sorted({(alert["alert"], alert["labels"]["severity"]) for alert in alerts}):
        if (name, severity) not in told:
            yield f"{name}: no test sees it told as {severity}"
        if name not in untold:
            yield f"{name}: no test sees it not told"


def orders():
    """Tests over several groups that leave their order open: promtool then draws one, and what is recorded comes an evaluation late or not."""
    for path in sorted(HERE.glob("*.yml")):
        test = yaml.safe_load(path.read_text(encoding="utf-8"))
        files = [(HERE / file).resolve() for file in test["rule_files"]]
        groups = [group["name"] for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
        if len(groups) > 1 and test.get("group_eval_order") != groups:
            yield f"{path.name}: its group_eval_order is not {', '.join(groups)}"


def metrics(rules):
    """Metrics that nobody tells, and coming ones that have come or that no rule waits for."""
    literal = re.compile(r'"(rp9_[a-z0-9_]+)"')
    sources = ROOT.glob("crates/*/src/**/*.rs")
    exported = {name for path in sources for name in literal.findall(path.read_text(encoding="utf-8"))}
    lines = (HERE / "coming").read_text(encoding="utf-8").split("\n")
    coming = {line for line in lines if line and not line.startswith("#")}
    named = {name for rule in rules for name in METRIC.findall(str(rule["expr"]))}
    named = {name if name in exported else PARTS.sub("", name) for name in named}
    yield from (f"{name}: a rule names it, and no crate tells it" for name in sorted(named - exported - coming))
    yield from (f"{name}: has come; take it out of deploy/checks/rules.d/coming" for name in sorted(coming & exported))
    yield from (f"{name}: no rule waits for it; take it out of deploy/checks/rules.d/coming" for name in sorted(coming - named))


def inhibitions(names):
    """Alerts that Alertmanager's rules name and that are not there."""
    settings = yaml.safe_load((CONF / "alertmanager/alertmanager.yml.in").read_text(encoding="utf-8"))
    for rule in settings["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            for words in re.findall(r'^alertname=~?"(.*)"$', matcher):
                pattern = [re.sub(r"\(.*?\)", "", word) for word in re.split(r"\|(?![^(]*\))", words)]
                yield from (f"alertmanager.yml.in: there is no alert {word}" for word in pattern if not any(name.startswith(word) for name in names))


def rounds():
    """What is done again and again, and whose failing the page that tells of it does not know."""
    page = (PAGES / "RoundsFailing.md").read_text(encoding="utf-8")
    named = re.compile(r'Interval::new\(\s*"([^"]+)"')
    sources = [path for path in ROOT.glob("crates/*/src/**/*.rs") if not path.stem.endswith("tests")]
    tasks = {name for path in sources for name in named.findall(path.read_text(encoding="utf-8"))}
    if not tasks:
        yield "there are no rounds at all: they are looked for in the wrong place"
    yield from (f"docs/runbooks/RoundsFailing.md does not name {name}" for name in sorted(tasks) if f"`{name}`" not in page)


if __name__ == "__main__":
    sys.exit(main())
