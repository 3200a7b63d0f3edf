import { describe, expect, it } from "vitest";
import { isDanger } from "../../infra/plan/change";
import type { NamedSpec } from "../../infra/spec";
import { changesOn } from "../fixtures/plan";
import { base, main, own } from "../fixtures/plan-kinds";

type Cloud = keyof typeof changesOn;

/** A change in which something is lost or refused, and the steps of the plan's advice. */
interface Way {
  readonly title: string;
  readonly cloud: Cloud;
  readonly before: NamedSpec;
  /** What is asked for first. */
  readonly asked: NamedSpec;
  /** All that the plan advises, whole. */
  readonly advice: readonly string[];
  /** Specs that are deployed instead, one after the other. */
  readonly steps: readonly NamedSpec[];
}

const VERSIONS = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,EngineVersion]'";
const WAIT = `wait until ${VERSIONS} shows the new version (at once with applyImmediately, else after the maintenance window)`;
const DROP = "drop the slots (SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'logical')";

const at = (majorVersion: number, readReplicas: number, spec = base) => main({ majorVersion, readReplicas }, spec);
/** Tracking reads from a replica, or not. */
const reading = (readFromReplica: boolean): NamedSpec => ({ ...base, platforms: { mlflow: { readFromReplica } } });
const pinned = (version: string, readReplicas: number) => own("aws", { version }, main({ readReplicas }));
const NAMES = { aws: "rds.logical_replication", gcp: "cloudsql.logical_decoding" } as const;
const logical = (cloud: Cloud, value: "on" | "off", change: object) => own(cloud, { parameters: { [NAMES[cloud]]: value } }, main(change));
const fixed = (storageGib: number) => main({ storageGib, maxStorageGib: null });
const single = main({ highAvailability: false });
const bare = main({ highAvailability: false, pointInTimeRecovery: false, backupRetentionDays: 0 });
const on = (clouds: readonly Cloud[], way: (cloud: Cloud) => Omit<Way, "cloud">): readonly Way[] =>
  clouds.map((cloud) => ({ ...way(cloud), cloud }));

const WAYS: readonly Way[] = [
  ...on(["aws"], () => ({
    title: "a newer major version, with replicas",
    before: at(17, 2),
    asked: at(18, 2),
    advice: [`set readReplicas to 0, and deploy; change majorVersion, and deploy; ${WAIT}; then set readReplicas back, and deploy`],
    steps: [at(17, 0), at(18, 0), at(18, 2)],
  })),
  ...on(["aws"], () => ({
    title: "a newer major version together with the first replica",
    before: at(17, 0),
    asked: at(18, 1),
    advice: [`set readReplicas to 0, and deploy; change majorVersion, and deploy; ${WAIT}; then set readReplicas back, and deploy`],
    steps: [at(18, 0), at(18, 1)],
  })),
  ...on(["aws"], () => ({
    title: "a newer major version, with a replica that MLflow reads from",
    before: at(17, 1, reading(true)),
    asked: at(18, 1, reading(true)),
    advice: [
      `set readReplicas to 0, and platforms.mlflow.readFromReplica to false, and deploy; change majorVersion, and deploy; ${WAIT}; then set them back, and deploy`,
    ],
    steps: [at(17, 0, reading(false)), at(18, 0, reading(false)), at(18, 1, reading(true))],
  })),
  ...on(["aws"], () => ({
    title: "a newer minor version, with a replica",
    before: pinned("17.5", 1),
    asked: pinned("17.6", 1),
    advice: [`set readReplicas to 0, and deploy; change version, and deploy; ${WAIT}; then set readReplicas back, and deploy`],
    steps: [pinned("17.5", 0), pinned("17.6", 0), pinned("17.6", 1)],
  })),
  ...on(["aws"], () => ({
    title: "a newer minor version together with the first replica",
    before: pinned("17.5", 0),
    asked: pinned("17.6", 1),
    advice: [`set readReplicas to 0, and deploy; change version, and deploy; ${WAIT}; then set readReplicas back, and deploy`],
    steps: [pinned("17.6", 0), pinned("17.6", 1)],
  })),
  ...on(["aws"], () => ({
    title: "a newer minor version, whose replica goes at the same time",
    before: pinned("17.5", 1),
    asked: pinned("17.6", 0),
    advice: [`set readReplicas to 0, and deploy; change version, and deploy; ${WAIT}; then set readReplicas back, and deploy`],
    steps: [pinned("17.5", 0), pinned("17.6", 0)],
  })),
  ...on(["aws", "gcp"], (cloud) => ({
    title: "a newer major version, with logical replication",
    before: logical(cloud, "on", {}),
    asked: logical(cloud, "on", { majorVersion: 18 }),
    advice: [
      `${DROP}; set ${NAMES[cloud]} to off, and deploy; change majorVersion, and deploy; ${cloud === "aws" ? `${WAIT}; ` : ""}then set ${NAMES[cloud]} back, and deploy`,
    ],
    steps: [logical(cloud, "off", {}), logical(cloud, "off", { majorVersion: 18 }), logical(cloud, "on", { majorVersion: 18 })],
  })),
  ...on(["aws"], (cloud) => ({
    title: "a newer major version, with logical replication and a replica",
    before: logical(cloud, "on", { readReplicas: 1 }),
    asked: logical(cloud, "on", { readReplicas: 1, majorVersion: 18 }),
    advice: [
      `${DROP}; set readReplicas to 0, and rds.logical_replication to off, and deploy; change majorVersion, and deploy; ${WAIT}; then set them back, and deploy`,
    ],
    steps: [
      logical(cloud, "off", {}),
      logical(cloud, "off", { majorVersion: 18 }),
      logical(cloud, "on", { readReplicas: 1, majorVersion: 18 }),
    ],
  })),
  ...on(["aws"], () => ({
    title: "a growth by less than a tenth",
    before: fixed(105),
    asked: fixed(110),
    advice: ["write 116 or more"],
    steps: [fixed(116)],
  })),
  ...on(["aws", "gcp"], () => ({
    title: "a smaller disk",
    before: fixed(200),
    asked: fixed(100),
    advice: ["write 200; to have less, restore a dump into a new instance"],
    steps: [fixed(200)],
  })),
  ...on(["aws", "gcp"], (cloud) => ({
    title: "no backups",
    before: single,
    asked: bare,
    advice: ["keep it at 7, unless nobody needs them", ...(cloud === "gcp" ? ["keep it true"] : [])],
    steps: [main({ highAvailability: false, backupRetentionDays: 7, pointInTimeRecovery: true })],
  })),
  ...on(["aws", "gcp"], () => ({
    title: "backups for fewer days",
    before: main({ backupRetentionDays: 30 }),
    asked: main({ backupRetentionDays: 1 }),
    advice: ["keep it at 30, unless nobody needs them"],
    steps: [main({ backupRetentionDays: 30 })],
  })),
  ...on(["aws"], () => ({
    title: "deletion with the stack",
    before: main({ deletionProtection: false }),
    asked: own("aws", { finalSnapshot: false }, main({ deletionProtection: false })),
    advice: ["keep it null, or write true"],
    steps: [own("aws", { finalSnapshot: true }, main({ deletionProtection: false }))],
  })),
];

const dangersOf = async (cloud: Cloud, before: NamedSpec, after: NamedSpec) => (await changesOn[cloud](before, after)).filter(isDanger);

describe("the advice of one plan is never refused by the next", () => {
  it.each(WAYS)("of $title on $cloud", async ({ cloud, before, asked, advice, steps }) => {
    expect((await dangersOf(cloud, before, asked)).map(({ remedy }) => remedy)).toEqual(advice);
    const all = [before, ...steps];
    for (const [index, step] of steps.entries()) expect(await dangersOf(cloud, all[index] ?? before, step)).toEqual([]);
  });
});
