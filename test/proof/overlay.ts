import "../../infra/docs/script";

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { CommonFields } from "../../constructs/model/common-fields";
import type { Settings } from "../../constructs/model/fields";
import type { JsonObject } from "../../constructs/model/json";
import type { Chart, Kustomization } from "../../constructs/model/platform";
import { fromUser } from "../../infra/command-line";
import { toKustomization } from "../../infra/output";
import { toYaml } from "../../infra/yaml";
import { renderKustomization } from "../charts/render";
import { findTree } from "../charts/source";
import { DIRECT, platformOf, settingsOf, wire } from "../contract/case";
import { kubeflowPipelines } from "../fixtures/cases/kubeflow-pipelines";
import { kubectl, type Proof, type Result, report, run } from "./tools";

const temporary = mkdtempSync(join(tmpdir(), "platform-postgres-overlay-"));
const DIRECTORY = process.argv.includes("--charts") ? (process.argv[process.argv.indexOf("--charts") + 1] ?? null) : null;
const CASE_RELEASE = wire(kubeflowPipelines, DIRECT).wiring.release as Kustomization;
const NEWEST = (settingsOf(kubeflowPipelines) as Settings<CommonFields>).chartVersion;

/** Upstream's manifests as they are at a reference; from GitHub, or from a copy of the tree in the directory of `--charts`. */
function manifests(reference: string): readonly JsonObject[] {
  const chart = platformOf(kubeflowPipelines).chart(settingsOf(kubeflowPipelines)) as Chart;
  const { path: tree } = findTree(chart, reference, DIRECTORY === null ? null : fromUser(DIRECTORY));
  const plain = { ...CASE_RELEASE, base: CASE_RELEASE.base.replace(NEWEST, reference), images: [], patches: [], replacements: [] };
  // As in the base's files: a namespace would be a part of their names.
  return renderKustomization(plain, "kubeflow", tree).map(({ metadata, ...object }) => {
    const { namespace: _namespace, ...named } = metadata as JsonObject;
    return { ...object, metadata: named };
  });
}

/** Renders the overlay on a base with the real kustomize. */
function build(objects: readonly JsonObject[]): Result {
  const directory = mkdtempSync(join(temporary, "build-"));
  const write = (folder: string, file: string, content: readonly JsonObject[]) => {
    mkdirSync(join(directory, folder), { recursive: true });
    writeFileSync(join(directory, folder, file), toYaml(content));
  };
  write("base", "objects.yaml", objects);
  write("base", "kustomization.yaml", [{ resources: ["objects.yaml"] }]);
  write("overlay", "kustomization.yaml", [toKustomization({ ...CASE_RELEASE, base: "../base" }, "kubeflow")]);
  return run(kubectl(), ["kustomize", join(directory, "overlay")]);
}

function fits(newest: readonly JsonObject[]): Proof {
  const { code, output } = build(newest);
  if (code !== 0) return { what: "the overlay fits a base with pull request 12379", problem: output, shown: "" };
  const names = parseAllDocuments(output).map((document) => {
    const { kind, metadata } = document.toJS() as { kind: string; metadata: { name: string } };
    return `${kind}/${metadata.name}`;
  });
  const own = names.filter((name) => /postgres|mysql/.test(name));
  return {
    what: "the overlay fits a base with pull request 12379, and leaves no server",
    problem: own.length === 0 ? null : own.join(", "),
    shown: names.join(", "),
  };
}

function refuses(what: string, objects: readonly JsonObject[], reason: string): Proof {
  const { code, output } = build(objects);
  const line = output.split("\n").find((each) => each.includes(reason)) ?? "";
  return {
    what,
    problem: code !== 0 && line !== "" ? null : `ended with ${code}, or for another reason: ${output.slice(0, 500)}`,
    shown: line.replace(/^.*err=/, ""),
  };
}

/** Each variable that the base has to have, renamed in turn. */
function lacking(name: string, newest: readonly JsonObject[]): Proof {
  const renamed = JSON.stringify(newest).replaceAll(`"name":"${name}"`, `"name":"${name}_MOVED"`);
  return refuses(`a base without ${name}`, JSON.parse(renamed) as readonly JsonObject[], `[name=^${name}$]`);
}

function prove(): readonly Proof[] {
  const before = manifests("2.17.0");
  const apart = before.filter(({ metadata }) => (metadata as JsonObject).name !== "metadata-postgres-db");
  const newest = manifests(NEWEST);
  const variables = [
    ...["DBDRIVERNAME", "DBCONFIG_POSTGRESQLCONFIG_HOST", "DBCONFIG_POSTGRESQLCONFIG_PORT", "DBCONFIG_POSTGRESQLCONFIG_DBNAME"],
    ...["DBCONFIG_DB_NAME", "DBCONFIG_DRIVER", "POSTGRES_HOST", "POSTGRES_PORT"],
  ];
  return [
    fits(newest),
    refuses("release 2.17.0, without pull request 12379", before, "lacks pull request 12379"),
    refuses("the same without ML Metadata's own server", apart, "args/2"),
    ...variables.map((name) => lacking(name, newest)),
  ];
}

void report(prove, () => rmSync(temporary, { recursive: true, force: true }));
