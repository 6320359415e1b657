// Whether a dashboard fits Grafana's own types, made into schemas: nothing that it does not know, nothing missing that it needs.
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import * as known from "@grafana/grafana-foundation-sdk/units";
import { createGenerator } from "ts-json-schema-generator";

/** The units that Grafana knows by themselves. */
export const units = new Set(Object.values(known.default ?? known));

const types = (module) => fileURLToPath(import.meta.resolve(`@grafana/grafana-foundation-sdk/${module}`)).replace(/index\.js$/, "types.gen.d.ts");
const ajv = new Ajv({ allErrors: true, strict: false });
const made = new Map();

/** The schema of this type, made once. */
function fits(module, type) {
  const name = `${module}.${type}`;
  if (!made.has(name)) {
    const generator = createGenerator({ path: types(module), type, skipTypeCheck: true, functions: "hide", topRef: false });
    const schema = generator.createSchema(type);
    // A query is of its source's own type, and is looked at by that.
    if (schema.definitions?.Dataquery && type === "Dashboard") schema.definitions.Dataquery = { type: "object" };
    made.set(name, ajv.compile(schema));
  }
  return made.get(name);
}

const QUERIES = { prometheus: ["prometheus", "Dataquery"], loki: ["loki", "dataquery"] };
/** Kinds of panels that have something of their own for each field. */
const WITH_FIELDS = ["timeseries"];
const KINDS = ["timeseries", "stat", "bargauge", "logs"];

/** Where it does not fit, in words. */
export function misfits(dashboard) {
  const parts = [["the dashboard", "dashboard", "Dashboard", dashboard]];
  for (const panel of dashboard.panels.filter((panel) => panel.type !== "row")) {
    const { title, type, datasource, targets, options, fieldConfig } = panel;
    if (!KINDS.includes(type)) return [`${title}: ${type} is no kind of panel that is looked at here: add it to schema.mjs`];
    parts.push([title, type, "Options", options]);
    if (WITH_FIELDS.includes(type)) parts.push([title, type, "FieldConfig", fieldConfig.defaults.custom ?? {}]);
    for (const target of targets) parts.push([title, ...(QUERIES[datasource.type] ?? QUERIES.prometheus), target]);
  }
  return parts.flatMap(([title, module, type, value]) => {
    const fit = fits(module, type);
    if (fit(value)) return [];
    return fit.errors.map(({ instancePath, message, params }) => `${title}: ${instancePath} ${message} ${JSON.stringify(params)}`);
  });
}
