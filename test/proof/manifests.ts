import "../../infra/docs/script";

import "../fixtures/clean-environment";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { EXTERNAL_SECRETS, RELOADER } from "../../constructs/kubernetes/operators";
import type { JsonObject } from "../../constructs/model/json";
import { toYaml } from "../../infra/yaml";
import { inTurn, type Prove, whereThere } from "./in-turn";
import { type Check, checkByChart, checkByModule, MODULES, renderOperator } from "./manifests/external-secrets";
import { ANSWERS, findIn, unanswered } from "./manifests/findings";
import { type Rendered, renderCases, renderDeployments } from "./manifests/rendered";
import { kubernetesValidate, run } from "./tools";

/*
 * Every object that this project writes for a cluster, or applies to one: every platform of the contract on every host, by every way of
 * access. By Kubernetes' own schemas, by those of External Secrets, and by what checkov knows to be risky.
 *
 * Objects of the platforms' charts are not ours, and not in it; patches of a Deployment and kustomizations are no objects. What an API
 * server checks beyond schemas (names, references, rules in CEL) is not proven.
 */

/** The newest three that EKS and GKE have. */
const MINORS = ["1.35", "1.36", "1.37"];

const isOurs = ({ apiVersion }: JsonObject): boolean => String(apiVersion).startsWith("external-secrets.io/");
const count = (all: readonly Rendered[]): number => all.flatMap(({ objects }) => objects).length;

/** Objects in files, one for each set, in a folder. */
function write(directory: string, all: readonly Rendered[], accepts: (object: JsonObject) => boolean): readonly string[] {
  return all.map(({ objects }, index) => {
    const file = join(directory, `${index}.yaml`);
    writeFileSync(file, toYaml(objects.filter(accepts)));
    return file;
  });
}

/** What Kubernetes of a minor version says to files; nothing where it takes them. */
const refusalsOf = (minor: string, files: readonly string[]): readonly string[] =>
  run(kubernetesValidate(), ["-m", "kubernetes_validate", "--strict", "--quiet", "--kubernetes-version", minor, ...files])
    .output.split("\n")
    .filter((line) => line !== "");

async function proveKubernetes(prove: Prove, all: readonly Rendered[], directory: string): Promise<void> {
  const files = write(directory, all, (object) => !isOurs(object));
  const titled = (line: string) => line.replace(/\S+\/(\d+)\.yaml/, (_path, index) => all[Number(index)]?.what ?? "");
  for (const minor of MINORS)
    await prove(`Kubernetes ${minor} knows every object, and every key`, async () => {
      assert.deepEqual(refusalsOf(minor, files).map(titled), []);
      const [broken] = write(
        join(directory, ".."),
        [{ what: "", objects: [{ apiVersion: "v1", kind: "Service", metadata: { name: "x" }, spec: { prots: [] } }] }],
        () => true,
      );
      assert.match(refusalsOf(minor, [broken ?? ""]).join(), /prots/);
      return `${all.flatMap(({ objects }) => objects).filter((object) => !isOurs(object)).length} objects; one with a mistyped key is refused`;
    });
}

/** @param allowed what a version does not have, as its rule says. */
function proveExternalSecrets(all: readonly Rendered[], check: Check, allowed: RegExp | null): string {
  const own = all.flatMap(({ what, objects }) => objects.filter(isOurs).map((object) => ({ what, object })));
  const problems = own.flatMap(({ what, object }) => check(object).map((problem) => `${what}: ${object.kind}${problem}`));
  assert.deepEqual(
    problems.filter((problem) => !allowed?.test(problem)),
    [],
  );
  const [first] = own;
  assert.notDeepEqual(check({ ...first?.object, spec: { ...(first?.object.spec as JsonObject), mistyped: 1 } }), []);
  const refused = problems.length === 0 ? "" : `; ${problems.length} refused, as expected: ${allowed?.source}`;
  return `${own.length} objects; one with a mistyped key is refused${refused}`;
}

async function proveOperators(prove: Prove, all: readonly Rendered[], charts: string | null, directory: string): Promise<void> {
  for (const operator of [EXTERNAL_SECRETS, RELOADER]) {
    const { chart, version } = operator;
    const objects = renderOperator(operator, charts);
    const own = objects.filter(({ kind }) => kind !== "CustomResourceDefinition");
    await prove(`the chart ${chart} ${version} renders with our values`, async () => {
      const files = write(directory, [{ what: chart, objects: own }], () => true);
      for (const minor of MINORS) assert.deepEqual(refusalsOf(minor, files), []);
      return `${objects.length} objects, ${own.length} of them by Kubernetes ${MINORS.join(", ")}`;
    });
  }
  await prove(`External Secrets ${EXTERNAL_SECRETS.version} knows every object, and every key`, async () =>
    proveExternalSecrets(all, checkByChart(charts), null),
  );
}

async function proveFindings(prove: Prove, all: readonly Rendered[], directory: string): Promise<void> {
  write(directory, all, () => true);
  await prove("checkov finds nothing that is not answered", async () => {
    const { passed, failed } = findIn(directory);
    const titleOf = (file: string) => all[Number(basename(file, ".yaml"))]?.what ?? file;
    assert.deepEqual(unanswered(failed, titleOf), []);
    const answers = Object.entries(ANSWERS).map(([id, { because }]) => {
      const number = failed.filter(({ check_id }) => check_id === id).length;
      return `    ${id} (${number}): ${because}`;
    });
    return [`${passed} checks passed, ${failed.length} findings of ${answers.length} kinds are answered:`, ...answers].join("\n");
  });
}

/** A directory with the charts of External Secrets and Reloader, where their repositories cannot be reached. */
const charts = process.argv[2] === "--charts" && process.argv[3] !== undefined ? resolve(process.argv[3]) : null;

void inTurn(async (prove, undo) => {
  const directory = (name: string) => mkdtempSync(join(temporary, `${name}-`));
  const temporary = mkdtempSync(join(tmpdir(), "platform-postgres-manifests-"));
  undo.push(() => rmSync(temporary, { recursive: true, force: true }));
  const [files, deployments] = [renderCases(), await renderDeployments()];
  const all = [...files, ...deployments];
  await prove("every platform is rendered for every host, by every way of access", async () => {
    assert.ok(files.length > 100 && all.every(({ objects }) => objects.length > 0));
    return `${files.length} renderings and ${deployments.length} deployments, ${count(all)} objects`;
  });
  await whereThere("Kubernetes' schemas", () => proveKubernetes(prove, all, directory("kubernetes")));
  for (const module of MODULES)
    await whereThere(`External Secrets ${module.version}`, () =>
      prove(`External Secrets ${module.version} knows every object, and every key`, async () =>
        proveExternalSecrets(all, checkByModule(module), module.lacks),
      ),
    );
  await whereThere("the charts of operators", () => proveOperators(prove, all, charts, directory("operators")));
  await whereThere("checkov", () => proveFindings(prove, all, directory("findings")));
});
