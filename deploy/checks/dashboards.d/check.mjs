// check.mjs ROOT OUT: whether the dashboards below ROOT are what Grafana reads and people at night need. Their queries for Prometheus are
// written to OUT as a file of rules, which promtool reads. Prints what is wrong and ends with 1 if anything is.
import { readFileSync, readdirSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { queries, words } from "./queries.mjs";
import { misfits, units } from "./schema.mjs";

/** What `up` puts the place of the runbooks for. */
const RUNBOOKS = "@ALERT_RUNBOOKS_URL@";
/** What the sources of queries are called where dashboards are put up. */
const SOURCES = { prometheus: "${metrics}", loki: "${logs}" };

/** What is wrong, and what Prometheus is asked. */
export function check(root) {
  const files = readdirSync(join(root, "dashboards")).filter((name) => name.endsWith(".json"));
  const problems = files.length === 0 ? ["dashboards: there are none: they are looked for in the wrong place"] : [];
  const known = names(root);
  const uids = new Map();
  const asked = [];
  for (const file of files) {
    const dashboard = JSON.parse(readFileSync(join(root, "dashboards", file), "utf8"));
    const found = [...misfits(dashboard), ...of(dashboard, root)];
    if (dashboard.uid !== `rp9-${file.replace(/\.json$/, "")}`) found.push("its uid is not rp9- and its file's name");
    if (uids.has(dashboard.uid)) found.push(`${uids.get(dashboard.uid)} has its uid`);
    uids.set(dashboard.uid, file);
    for (const { title, promql, problems: unread } of queries(dashboard)) {
      if (promql) asked.push(promql);
      found.push(...[...unread, ...unknown(promql ?? "", known)].map((what) => `${title}: ${what}`));
    }
    problems.push(...found.map((what) => `dashboards/${file}: ${what}`));
  }
  return { files, problems, asked };
}

function of(dashboard, root) {
  const panels = dashboard.panels.filter((panel) => panel.type !== "row");
  const ids = new Set(dashboard.panels.map((panel) => panel.id));
  return [
    ...(ids.size === dashboard.panels.length ? [] : ["two panels have one id"]),
    ...overlaps(dashboard.panels),
    ...panels.flatMap((panel) => [...wording(panel, root)].map((what) => `${panel.title}: ${what}`)),
  ];
}

/** Panels that would lie on each other, or beyond the right edge. */
function overlaps(panels) {
  const within = (a, b, side, size) => a[side] < b[side] + b[size] && b[side] < a[side] + a[size];
  return panels.flatMap(({ title, gridPos: a }, index) => {
    const under = panels.slice(index + 1).filter(({ gridPos: b }) => within(a, b, "x", "w") && within(a, b, "y", "h"));
    return [...(a.x + a.w > 24 ? [`${title}: it is wider than the page`] : []), ...under.map((other) => `${title} and ${other.title} lie on each other`)];
  });
}

/** What is missing of what people are told. */
function* wording(panel, root) {
  if (!panel.title) yield "it has no title";
  if ((panel.description ?? "").length < 20) yield "it does not say what to make of it";
  if (!units.has(panel.fieldConfig.defaults.unit)) yield `its unit ${panel.fieldConfig.defaults.unit} is none of Grafana's`;
  if (panel.targets.length === 0) yield "it asks for nothing";
  if (SOURCES[panel.datasource?.type] !== panel.datasource?.uid) yield "its source is none of the variables";
  for (const [, page] of (panel.description ?? "").matchAll(/\]\((.*?)\)/g)) {
    if (!page.startsWith(RUNBOOKS)) yield `${page}: it does not lead to the runbooks`;
    else if (!existsSync(join(root, page.slice(RUNBOOKS.length)))) yield `${page}: there is no such page`;
  }
}

/** Metrics of ours that no crate tells, and recorded ones that no rule records. */
function* unknown(promql, known) {
  for (const metric of words(promql)) {
    const plain = metric.replace(/_(bucket|sum|count)$/, "");
    if (metric.startsWith("rp9_") && !known.told.has(metric) && !known.told.has(plain)) yield `${metric}: no crate tells it`;
    if (metric.includes(":") && !known.recorded.has(metric)) yield `${metric}: no rule records it`;
  }
}

function names(root) {
  const told = found(root, "crates", /\/src\/.*\.rs$/, /"(rp9_[a-z0-9_]+)"/g);
  return { told, recorded: found(root, "deploy/conf/prometheus/rules", /\.yml$/, /record: "?([a-z0-9_:]+)/g) };
}

/** Whatever this pattern finds in files of this kind. */
function found(root, folder, kind, pattern) {
  const paths = readdirSync(join(root, folder), { recursive: true }).filter((path) => kind.test(path));
  return new Set(paths.flatMap((path) => [...readFileSync(join(root, folder, path), "utf8").matchAll(pattern)].map(([, name]) => name)));
}

if (import.meta.filename === process.argv[1]) {
  const [root, out] = process.argv.slice(2);
  const { files, problems, asked } = check(root);
  const rules = asked.map((expr, index) => ({ record: "dashboards:query", expr, labels: { query: `${index}` } }));
  writeFileSync(out, JSON.stringify({ groups: [{ name: "dashboards", rules }] }));
  problems.forEach((problem) => console.error(problem));
  console.log(`dashboards: ${files.length}, ${asked.length} queries, ${problems.length} problems`);
  process.exitCode = problems.length ? 1 : 0;
}
