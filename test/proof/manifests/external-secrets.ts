import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv, { type ValidateFunction } from "ajv";
import { parse } from "yaml";
import { EXTERNAL_SECRETS, type Operator } from "../../../constructs/kubernetes/operators";
import { isObject, type JsonObject } from "../../../constructs/model/json";
import { renderHelm } from "../../charts/render";
import { findChart } from "../../charts/source";
import { goModule } from "../tools";

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
 * @param charts directory with charts, as `findChart` reads it. @throws MissingTool as `findChart` does.
 */
export const checkByChart = (charts: string | null): Check =>
  toCheck(
    (renderOperator(EXTERNAL_SECRETS, charts) as unknown as readonly Definition[]).filter(
      ({ kind, spec }) => kind === "CustomResourceDefinition" && KINDS.includes(spec.names.kind),
    ),
    CHART_DIGEST,
  );

/** Objects of an operator's chart. @throws MissingTool where the chart cannot be had. */
export const renderOperator = (
  { release, namespace, chart: name, repository, version, values }: Operator,
  charts: string | null,
): readonly JsonObject[] => renderHelm(findChart("", { name, repository }, version, charts), values, { release, namespace });

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
