import { violation } from "../errors";
import type { Fields } from "../fields";
import { checkEach, checkItems } from "../rule";
import { serverName } from "../server-name";
import type { WholeRule } from "../target";
import { isSecretName } from "./value-rules";
import { wholePlatformRules } from "./whole-platform-rules";

/**
 * Where AWS ignores case in keys: `CreateRole` rejects a second key, and `TagRole` silently replaces the first. Every
 * stack has roles.
 */
const IAM_TAGS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#case-sensitivity";

const FINDS_SECRETS = "is how this project finds the objects of a platform";

/** Rules about an environment's labels, instances and platforms that apply on every target. */
export const wholeRules: readonly WholeRule<Fields>[] = [
  ...wholePlatformRules,
  {
    id: "labels-of-this-project",
    why: "Costs and alarms are found by these labels, and AWS silently replaces one with the other.",
    source: IAM_TAGS,
    date: "2026-11-30",
    severity: "error",
    check: ({ name, owner, labels }) => {
      const ours = new Map([["environment", { value: name, from: "the environment's name", remedy: "remove it, or rename it" }]]);
      // Without an owner there is no such label of ours.
      if (owner !== null) ours.set("owner", { value: owner, from: "owner", remedy: "remove it, or change owner" });
      return checkEach(labels, (value, key) => {
        if (/^platform-postgres\//i.test(key)) return [violation(`labels.${key}`, FINDS_SECRETS, value, "rename it")];
        const own = ours.get(key.toLowerCase());
        if (own === undefined || (ours.has(key) && value === own.value)) return [];
        return [violation(`labels.${key}`, `is set by this project, from ${own.from}`, value, own.remedy)];
      });
    },
    passing: { section: {}, name: "production", owner: "ml", labels: { environment: "production", owner: "ml", stage: "production" } },
    failing: { section: {}, name: "production", labels: { environment: "prod" } },
  },
  {
    id: "labels-differ-by-more-than-case",
    why: "IAM ignores case in keys, and rejects the second one while the stack is created.",
    source: IAM_TAGS,
    date: "2026-11-30",
    severity: "error",
    check: ({ labels }) => {
      const keys = Object.keys(labels);
      return checkItems(keys, (key, index) => {
        const other = keys.slice(0, index).find((each) => each.toLowerCase() === key.toLowerCase());
        const rule = `must differ from the label ${other} by more than case`;
        return other === undefined ? [] : [violation(`labels.${key}`, rule, labels[key], "keep one of them")];
      });
    },
    passing: { section: {}, labels: { team: "ml", "cost-center": "42" } },
    failing: { section: {}, labels: { team: "ml", Team: "ML" } },
  },
  {
    id: "labels-hold-no-secrets",
    why: "Anyone who can list resources or read a bill sees labels, and templates and state contain them.",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resourcegroups-group-tag.html",
    date: "2026-11-30",
    severity: "warning",
    check: ({ labels }) =>
      checkEach(labels, (value, key) =>
        isSecretName(key) && !/^(|true|false|yes|no|none)$/i.test(value)
          ? [
              {
                path: `labels.${key}`,
                rule: "is named like a password, and anyone who lists resources can read it",
                got: null,
                remedy: "remove it",
              },
            ]
          : [],
      ),
    passing: { section: {}, labels: { "secret-rotation": "monthly" } },
    failing: { section: {}, labels: { "db-password": "in clear" } },
  },
  {
    id: "production-is-protected",
    source: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
    why: "A single mistyped instance name or command can then delete a database that people work with.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ name, instances }) =>
      !/(^|-)(prod|production|live)(-|$)/.test(name)
        ? []
        : checkEach(instances, ({ existing, deletionProtection }, instance) =>
            existing !== null || deletionProtection
              ? []
              : [
                  violation(
                    `instances.${instance}.deletionProtection`,
                    `lets a deployment delete a database of an environment named ${name}`,
                    false,
                    "leave it out, unless you are about to remove it",
                  ),
                ],
          ),
    passing: { section: {}, name: "staging", instances: { main: { deletionProtection: false } } },
    failing: { section: {}, name: "ml-prod", instances: { main: { deletionProtection: false } } },
  },
  {
    id: "existing-server-once",
    why: "Each instance assumes that it has all connections of its server, so together they use more than the server has.",
    source: "https://www.postgresql.org/docs/17/runtime-config-connection.html#GUC-MAX-CONNECTIONS",
    date: "2026-11-30",
    severity: "error",
    check: ({ instances }) => {
      const first = new Map<string, string>();
      return checkEach(instances, ({ existing }, name) => {
        if (existing === null) return [];
        const server = serverName(existing.host, existing.port);
        const other = first.get(server);
        first.set(server, other ?? name);
        if (other === undefined) return [];
        const rule = `is already the server of instance ${other}, so its connections would be counted twice`;
        return [violation(`instances.${name}.existing.host`, rule, existing.host, `move its platforms to ${other}, and remove ${name}`)];
      });
    },
    passing: {
      section: {},
      instances: {
        main: { existing: { host: "db.example", masterSecret: "master" } },
        other: { existing: { host: "db.example", port: 5433, masterSecret: "other" } },
      },
    },
    failing: {
      section: {},
      instances: {
        main: { existing: { host: "db.example", masterSecret: "master" } },
        other: { existing: { host: "DB.example.", masterSecret: "master" } },
      },
    },
  },
  {
    id: "instance-has-a-platform",
    source: "https://docs.cloud.google.com/sql/docs/postgres/recommender-sql-idle",
    why: "An instance that no platform uses costs as much as any other; often a platform was meant to use it.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ instances, platforms }) => {
      const used = Object.values(platforms).map(({ instance }) => instance);
      // A platform with an unknown instance may be on any of them. An environment without platforms is waiting for its first.
      if (used.length === 0 || used.includes(null)) return [];
      return Object.keys(instances)
        .filter((name) => !used.includes(name))
        .map((name) => ({
          path: `instances.${name}`,
          rule: "has no platform",
          got: null,
          remedy: `write instance: "${name}" into a platform, or remove it`,
        }));
    },
    passing: { section: {}, instances: { at: {} }, platforms: { mlflow: {} } },
    failing: { section: {}, instances: { at: {}, spare: {} }, platforms: { mlflow: {} } },
  },
];
