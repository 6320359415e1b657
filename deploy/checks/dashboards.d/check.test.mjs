// Whether the check complains of what it is for. Each case damages one dashboard of a copy.
import { test } from "node:test";
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "./check.mjs";

const root = process.env.RP9_ROOT;

/** What is said of the dashboards once this was done to the overview. */
function complaints(damage) {
  const copy = mkdtempSync(join(tmpdir(), "dashboards-"));
  try {
    for (const folder of ["crates", "deploy", "docs"]) symlinkSync(join(root, folder), join(copy, folder));
    cpSync(join(root, "dashboards"), join(copy, "dashboards"), { recursive: true });
    const path = join(copy, "dashboards/overview.json");
    const dashboard = JSON.parse(readFileSync(path, "utf8"));
    const first = dashboard.panels.find((panel) => panel.type === "timeseries");
    damage(dashboard, first);
    writeFileSync(path, JSON.stringify(dashboard));
    return check(copy).problems;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const CASES = {
  "no crate tells it": (_, panel) => (panel.targets[0].expr = "sum(rp9_tenants_totl)"),
  "no rule records it": (_, panel) => (panel.targets[0].expr = "slo:objectives:ratio"),
  "there is no variable $nobody": (_, panel) => (panel.targets[0].expr = 'rp9_tenants_total{mode="$nobody"}'),
  "it cannot be read": (_, panel) => Object.assign(panel, { datasource: { type: "loki", uid: "${logs}" }, targets: [{ refId: "A", expr: "{a=}" }] }),
  "has its uid": (dashboard) => (dashboard.uid = "rp9-slo"),
  "must be equal to one of the allowed values": (_, panel) => (panel.options.tooltip.mode = "several"),
  "must NOT have additional properties": (_, panel) => (panel.targets[0].exp = "1"),
  "must have required property": (_, panel) => delete panel.options.legend,
  "is no kind of panel": (_, panel) => (panel.type = "graph"),
  "its unit secs is none": (_, panel) => (panel.fieldConfig.defaults.unit = "secs"),
  "it does not say what to make of it": (_, panel) => delete panel.description,
  "there is no such page": (_, panel) => (panel.description += " [Nothing](@ALERT_RUNBOOKS_URL@docs/runbooks/Nothing.md)"),
  "lie on each other": (dashboard, panel) => (panel.gridPos = dashboard.panels[0].gridPos),
  "its source is none of the variables": (_, panel) => (panel.datasource.uid = "abc"),
};

test("what is there is right", () => assert.deepEqual(complaints(() => {}), []));
for (const [complaint, damage] of Object.entries(CASES)) {
  test(complaint, () => {
    const problems = complaints(damage);
    assert.ok(problems.some((problem) => problem.includes(complaint)), problems.join("\n"));
  });
}
