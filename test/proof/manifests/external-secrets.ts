import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv, { type ValidateFunction } from "ajv";
import { parse, parseAllDocuments } from "yaml";
import { EXTERNAL_SECRETS, type Operator } from "../../../constructs/kubernetes/operators";
import { isObject, type JsonObject } from "../../../constructs/model/json";
import { toYaml } from "../../../infra/output";
import { goModule, helm, MissingTool, run } from "../tools";

const MODULE = "github.com/external-secrets/external-secrets";

/**
 * Versions whose definitions a Go module has: one of the first with our API, and the newest that there is. With a digest of the definitions,
 * and with what a version does not know yet: on Google Cloud a rule refuses it.
 */
export const MODULES = [
  { version: "0.16.2", digest: "0925eae2bdc6", lacks: /secretVersionSelectionPolicy/ },
  { version: "1.3.2", digest: "d5fc6f2313a0", lacks: null },
] as const;
/** Of the definitions in the chart that is installed by default. */
const CHART_DIGEST = "b050241867d6";

/** A definition of a kind of objects, as far as it is read here. */
interface Definition {
  readonly kind: string;
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema: { readonly openAPIV3Schema: JsonObject };
    }[];
  };
}

/** What is wrong with an object of External Secrets, by the definitions of one version. */
export type Check = (object: JsonObject) => readonly string[];

const KINDS = ["ExternalSecret", "SecretStore"];

/** The definitions in a Go module. @throws MissingTool where it cannot be had. */
export function checkByModule({ version, digest }: (typeof MODULES)[number]): Check {
  const directory = join(goModule(`${MODULE}@v${version}`), "config", "crds", "bases");
  const files = ["externalsecrets", "secretstores"].map((name) => join(directory, `external-secrets.io_${name}.yaml`));
  return toCheck(
    files.map((file) => parse(readFileSync(file, "utf8")) as Definition),
    digest,
  );
}

/**
 * The definitions in the chart, rendered as it is installed.
 *
 * @param charts folder with charts, unpacked; null asks their repositories. @throws MissingTool where it is in neither.
 */
export const checkByChart = (charts: string | null): Check =>
  toCheck(
    (renderOperator(EXTERNAL_SECRETS, charts) as unknown as readonly Definition[]).filter(
      ({ kind, spec }) => kind === "CustomResourceDefinition" && KINDS.includes(spec.names.kind),
    ),
    CHART_DIGEST,
  );

/** Objects of an operator's chart. @throws MissingTool where the chart cannot be had. */
export function renderOperator(
  { release, namespace, chart, repository, version, values }: Operator,
  charts: string | null,
): readonly JsonObject[] {
  const source = charts === null ? [chart, "--repo", repository, "--version", version] : [join(charts, chart)];
  if (charts !== null && !existsSync(join(charts, chart))) throw new MissingTool(`${charts} has no chart ${chart}`);
  const { code, output } = run(helm(), ["template", release, ...source, "--namespace", namespace, "--values", "-"], toYaml([values]));
  if (code !== 0 && charts === null)
    throw new MissingTool(
      `helm cannot get ${chart} ${version} (${output.trim().split("\n").at(-1)}); name a folder with it: -- --charts DIR`,
    );
  if (code !== 0) throw new Error(output);
  const objects = parseAllDocuments(output).map((document) => document.toJS() as JsonObject | null);
  const found = objects.filter((object) => object !== null);
  const label = found
    .map(({ metadata }) => (metadata as { labels?: JsonObject })?.labels?.["helm.sh/chart"])
    .find((each) => each !== undefined);
  if (!String(label).startsWith(`${chart}-${version}`)) throw new Error(`the chart is ${label}, not ${chart}-${version}`);
  return found;
}

function toCheck(definitions: readonly Definition[], digest: string): Check {
  const schemas = definitions.map(({ spec }) => [spec.names.kind, spec.versions] as const);
  const found = createHash("sha256").update(JSON.stringify(schemas)).digest("hex").slice(0, 12);
  if (found !== digest) throw new Error(`the definitions have the digest ${found}, not ${digest}: look at what changed, and write it here`);
  const validators = new Map<string, ValidateFunction>();
  for (const [kind, versions] of schemas)
    for (const { name, served, schema } of versions)
      if (served) validators.set(`external-secrets.io/${name} ${kind}`, toValidator(schema.openAPIV3Schema));
  return (object) => {
    const validate = validators.get(`${object.apiVersion} ${object.kind}`);
    if (validate === undefined) return [`${object.apiVersion} ${object.kind} is not served`];
    return validate(object)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  };
}

const toValidator = (schema: JsonObject): ValidateFunction =>
  new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(strict(schema) as JsonObject);

/** A schema that takes no property that it does not name: Kubernetes drops those without a word. Rules in CEL are not run. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (!isObject(schema)) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, each]) => [key, strict(each)]));
  const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties !== undefined;
  return isObject(schema.properties) && schema.type === "object" && !isOpen ? { ...inner, additionalProperties: false } : inner;
}
