// What dashboards ask for: of Prometheus with its variables replaced, of Loki as far as its grammar says whether it can be read.
import { parser } from "@grafana/lezer-logql";

/** What Grafana puts in for its own variables, at a look every 15 seconds. */
const OWN = { __rate_interval: "1m", __interval: "15s", __range: "1h" };

/** Each query of a dashboard, those of its variables too. */
export function* queries(dashboard) {
  const variables = dashboard.templating.list.map((variable) => variable.name);
  const filled = (text, title) => {
    const problems = [];
    const replaced = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (all, braced, bare) => {
      const name = braced ?? bare;
      if (name in OWN) return OWN[name];
      if (!variables.includes(name)) problems.push(`there is no variable ${all}`);
      return name;
    });
    return { title, replaced, problems };
  };
  for (const variable of dashboard.templating.list.filter((variable) => variable.type === "query")) {
    const [, selector] = /^label_values\((.*), *\w+\)$/.exec(variable.query.query) ?? [];
    if (selector) yield { title: variable.name, promql: selector, problems: [] };
    else yield { title: variable.name, problems: ["it is not label_values(SELECTOR, LABEL)"] };
  }
  for (const panel of dashboard.panels) {
    for (const target of panel.targets ?? []) {
      const { title, replaced, problems } = filled(target.expr, panel.title);
      if (panel.datasource.type === "prometheus") yield { title, promql: replaced, problems };
      else yield { title, problems: [...problems, ...unreadable(replaced)] };
    }
  }
}

/** Where a query for logs cannot be read. */
function unreadable(logql) {
  const problems = [];
  parser.parse(logql).iterate({
    enter: (node) => {
      if (node.type.isError) problems.push(`${logql}: it cannot be read at ${node.from}`);
    },
  });
  return problems;
}

/** What looks like the name of a metric of ours or of a rule. */
export function words(promql) {
  return promql.replace(/"[^"]*"/g, "").match(/\b(rp9_[a-z0-9_]+|[a-z0-9_]+:[a-z0-9_:]+)/g) ?? [];
}
