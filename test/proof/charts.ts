import "../../infra/docs/script";

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../constructs/model/json";
import type { Wired } from "../../constructs/model/wire";
import { chartDirectory } from "../../constructs/package/root";
import { toYaml } from "../../infra/yaml";
import { type ContractCase, waysOf, wire } from "../contract/case";
import { cases } from "../fixtures/cases";
import { helm, kubernetesValidate, type Proof, report, run } from "./tools";

/** The version of Kubernetes whose schemas count. */
const KUBERNETES = "1.34.1";
const CHART = chartDirectory("skillflaw");

const temporary = mkdtempSync(join(tmpdir(), "platform-postgres-proof-"));

function file(name: string, content: string): string {
  const path = join(temporary, name);
  writeFileSync(path, content);
  return path;
}

function lint(): Proof {
  const { code, output } = run(helm(), ["lint", "--strict", CHART]);
  return { what: "helm lint --strict", problem: code === 0 ? null : output, shown: output.trim().split("\n").at(-1) ?? "" };
}

const template = (values: readonly string[]) =>
  run(helm(), ["template", "skillflaw", CHART, "--namespace", "skillflaw", ...values.flatMap((path) => ["--values", path])]);

const validate = (path: string) => run(kubernetesValidate(), ["-m", "kubernetes_validate", "--strict", "-k", KUBERNETES, path]);

/** That what validates would notice. */
function validatorWorks(): Proof {
  const typo = { apiVersion: "v1", kind: "Service", metadata: { name: "x" }, spec: { prots: [] } };
  const { code, output } = validate(file("typo.yaml", toYaml([typo])));
  return {
    what: "kubernetes-validate refuses a mistyped key",
    problem: code !== 0 && output.includes("prots") ? null : `it did not: ${output}`,
    shown:
      output
        .split("\n")
        .find((line) => line.includes("prots"))
        ?.trim() ?? "",
  };
}

/** Every object that is rendered is one that Kubernetes knows, without a key that it does not know. */
function renders(what: string, values: readonly string[], check: (objects: readonly JsonObject[]) => string | null = () => null): Proof {
  const { code, output } = template(values);
  if (code !== 0) return { what, problem: output, shown: "" };
  const objects = parseAllDocuments(output)
    .map((document) => document.toJS() as JsonObject | null)
    .filter((object) => object !== null);
  const rendered = file("rendered.yaml", toYaml(objects));
  const checked = validate(rendered);
  const kinds = objects.map((object) => String(object.kind)).join(", ");
  return { what, problem: checked.code === 0 ? check(objects) : checked.output, shown: kinds };
}

/** What the chart has to refuse, and a word of its reason. */
function refuses(what: string, values: JsonObject, word: string): Proof {
  const { code, output } = template([file("refused.yaml", toYaml([values]))]);
  const line = output.split("\n").find((each) => each.includes(word)) ?? "";
  return {
    what,
    problem: code !== 0 && line !== "" ? null : `rendered, or for another reason: ${output.slice(0, 500)}`,
    shown: line.trim(),
  };
}

function ofCase(each: ContractCase): readonly Proof[] {
  return waysOf(each).map((way) => {
    const wired = wire(each, way);
    const { release } = wired.wiring;
    const values = file("values.yaml", toYaml([release.kind === "helm" ? release.values : {}]));
    return renders(`${each.title}: the adapter's values, ${way.access}, ${way.tls}`, [values], (objects) => disagreement(objects, wired));
  });
}

interface Container {
  readonly name: string;
  readonly env: readonly JsonObject[];
}

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly strategy: JsonObject;
    readonly template: {
      readonly spec: {
        readonly containers: readonly Container[];
        readonly initContainers?: readonly Container[];
        readonly volumes: readonly JsonObject[];
        readonly securityContext: JsonObject;
      };
    };
  };
}

const deploymentOf = (objects: readonly JsonObject[]): Deployment =>
  objects.find((object) => object.kind === "Deployment") as unknown as Deployment;

/** What the adapter counts on and the rendered Deployment does not do, or null. */
function disagreement(objects: readonly JsonObject[], { wiring }: Wired): string | null {
  const { replicas, strategy, template: pod } = deploymentOf(objects).spec;
  const { containers, initContainers = [], volumes, securityContext } = pod.spec;
  const [server] = containers;
  const env = Object.fromEntries((server?.env ?? []).map((entry) => [entry.name, entry.value ?? "from a Secret"]));
  const pools = (text: unknown) => JSON.stringify(Object.entries(JSON.parse(String(text)) as JsonObject).sort());
  const key = volumes.find((volume) => volume.name === "secret-key");
  const promises: readonly (readonly [string, boolean])[] = [
    ["each variable once", new Set(server?.env.map((entry) => entry.name)).size === server?.env.length],
    [
      "the pools that are budgeted",
      pools(env.SKILLFLAW_DB_CONNECTION_SETTINGS) === pools(wiring.variables.SKILLFLAW_DB_CONNECTION_SETTINGS),
    ],
    ["pods that are not root", securityContext.runAsNonRoot === true && securityContext.runAsUser !== 0],
    ["no second pod beside the first", replicas > 1 || strategy.type === "Recreate"],
    ["one pod at a time", replicas === 1 || JSON.stringify(strategy.rollingUpdate) === '{"maxSurge":0,"maxUnavailable":1}'],
    ["a migration before each of several", replicas === 1 || initContainers.at(-1)?.name === "migrate"],
    ["Redis for several", replicas === 1 || (env.SKILLFLAW_CACHE_TYPE === "redis" && env.SKILLFLAW_JOB_QUEUE_TYPE === "redis")],
    [
      "one key for several",
      replicas === 1 || (key !== undefined && env.SKILLFLAW_SECRET_KEY_FILE === "/etc/skillflaw/secret-key/secret_key"),
    ],
  ];
  const broken = promises.filter(([, holds]) => !holds).map(([promise]) => promise);
  return broken.length === 0 ? null : `the chart does not give: ${broken.join("; ")}`;
}

function prove(): readonly Proof[] {
  return [
    lint(),
    validatorWorks(),
    renders("the chart's own defaults", []),
    ...cases.filter((each) => each.name === "skillflaw").flatMap(ofCase),
    refuses("a mistyped key", { databse: { existingSecret: "x" } }, "databse"),
    refuses("a mistyped key further down", { database: { pool: { sise: 1 } } }, "sise"),
    refuses("three replicas without what they share", { replicaCount: 3 }, "/redis"),
  ];
}

void report(prove, () => rmSync(temporary, { recursive: true, force: true }));
