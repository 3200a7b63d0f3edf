import "../../infra/docs/script";

import "../fixtures/clean-environment";
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stackName } from "../../constructs/aws/stacks/aws-environment";
import { EXTERNAL_SECRETS, RELOADER } from "../../constructs/kubernetes/operators";
import type { JsonObject } from "../../constructs/model/json";
import setUpServers from "../fixtures/global-setup";
import { inTurn, type Prove, type Undo } from "./in-turn";
import { Deployment } from "./moto/deployment";
import { ACCOUNT, type AwsDouble, type Made, REGION } from "./moto/double";
import { development, productionIn, type Subject } from "./moto/subjects";
import { World } from "./moto/world";
import { moto } from "./tools";

/*
 * Deploys environments with the real CLI of AWS CDK to a double of AWS, in which the real functions provision and rotate a real
 * PostgreSQL. No account is touched, and none is needed.
 *
 * It proves nothing about what is doubled (test/proof/moto/server.py): how RDS, EKS and KMS behave, permissions, ways through networks,
 * updates and rollbacks of stacks, replacements.
 */

async function bootstraps({ world, subject }: Deployment): Promise<string> {
  const { code, output } = await world.cdk(["bootstrap", `aws://${ACCOUNT}/${REGION}`, ...subject.options], subject.variables);
  assert.equal(code, 0, output);
  const { Parameter } = await world.aws.ask<{ Parameter: { Value: string } }>("ssm", "get_parameter", {
    Name: "/cdk-bootstrap/hnb659fds/version",
  });
  return `version ${Parameter.Value}`;
}

/** Somebody has made a role of the same name: provisioning refuses, and that may not look like success. */
async function failsHonestly(deployment: Deployment): Promise<string> {
  const { world, subject } = deployment;
  world.hindrance = "CREATE ROLE mlflow_owner";
  const { code, output } = await deployment.deploy();
  const sentence = /role mlflow_owner was created by another role; [^\n]*/.exec(output)?.[0];
  assert.ok(code !== 0 && sentence !== undefined, output);
  assert.equal((await deployment.stacks())[stackName(subject.environment.name, "access")], "ROLLBACK_COMPLETE");
  for (const host of await deployment.hosts()) await world.administer(host, "DROP ROLE mlflow_owner");
  return sentence;
}

/** moto knows no moments that can be restored. */
async function isDescribed({ world, outputs, subject }: Deployment): Promise<string> {
  const shown: string[] = [];
  for (const [name, { host }] of Object.entries(outputs.instances)) {
    const { machine, backups } = await world.view(host);
    assert.deepEqual([machine.problem, backups.problem], [null, null]);
    assert.match(machine.value?.type ?? "", /^db\./);
    assert.deepEqual([machine.value?.state, backups.value?.areOn], ["available", true]);
    assert.equal(machine.value?.standby !== null, subject.environment.instances[name]?.settings.highAvailability);
    shown.push(`${machine.value?.type}, ${machine.value?.diskGib} GiB`);
  }
  return shown.join("; ");
}

/** As CloudFormation and RDS tell: the CLI has been seen to report success without any. */
async function deploys(deployment: Deployment): Promise<string> {
  const { code, output } = await deployment.deploy();
  assert.equal(code, 0, output);
  const { name, section } = deployment.subject.environment;
  const parts = [section.network === null ? "network" : "platforms", "database", "access", "guard"] as const;
  const complete = parts.map((part) => [stackName(name, part), "CREATE_COMPLETE"]);
  assert.deepEqual(await deployment.stacks(), Object.fromEntries(complete));
  const hosts = Object.values(deployment.outputs.instances).map(({ host }) => host);
  assert.deepEqual(await deployment.hosts(), hosts.sort());
  return hosts.join(", ");
}

/** Both versions of each secret log in to each database of their platform, and act as its owner, which itself cannot log in. */
async function logsIn(deployment: Deployment): Promise<string> {
  const { world } = deployment;
  for (const { tenant, secretArn, host } of deployment.tenants) {
    const { owner } = tenant;
    const logins = tenant.logins.map((login) => login.name);
    const versions = [await deployment.version(secretArn, "AWSCURRENT"), await deployment.version(secretArn, "AWSPREVIOUS")];
    assert.deepEqual(new Set(versions.map(({ username }) => username)), new Set(logins));
    for (const version of versions) {
      for (const { name, extensions } of tenant.databases) {
        const [session] = await world.sql(host, version, name, SESSION);
        assert.deepEqual(session, { login: version.username, user: owner, owner, extensions: [...extensions, "plpgsql"].sort() });
      }
    }
    const roles = await world.administer(host, `${ROLES} where rolname = any('{${[owner, ...logins]}}') order by rolcanlogin, rolname`);
    assert.deepEqual(roles, [{ name: owner, login: false, more: false }, ...logins.map((name) => ({ name, login: true, more: false }))]);
  }
  return deployment.tenants.map(({ tenant }) => `${tenant.logins.map(({ name }) => name).join(", ")} as ${tenant.owner}`).join("; ");
}

const SESSION = `select session_user as login, current_user as user, pg_get_userbyid(datdba) as owner,
  array(select extname::text from pg_extension order by 1) as extensions from pg_database where datname = current_database()`;
const ROLES =
  "select rolname as name, rolcanlogin as login, rolsuper or rolcreaterole or rolreplication or rolbypassrls as more from pg_roles";

/** There are no other secrets, of a deployment that failed. Each one's rotation has been tried. */
async function willRotate(deployment: Deployment): Promise<string> {
  interface Answer {
    readonly RotationEnabled: boolean;
    readonly RotationRules: { readonly AutomaticallyAfterDays: number };
  }
  const { SecretList } = await deployment.world.aws.ask<{ SecretList: readonly { ARN: string }[] }>("secretsmanager", "list_secrets");
  assert.deepEqual(SecretList.map(({ ARN }) => ARN).sort(), [...deployment.secrets].sort());
  const { rotationDays } = deployment.subject.environment.section;
  for (const arn of deployment.secrets) {
    const { RotationEnabled, RotationRules } = await deployment.world.aws.ask<Answer>("secretsmanager", "describe_secret", {
      SecretId: arn,
    });
    assert.deepEqual(
      { RotationEnabled, RotationRules },
      { RotationEnabled: true, RotationRules: { AutomaticallyAfterDays: rotationDays } },
    );
  }
  const tried = deployment.world.aws.logs.filter((log) => log.includes("testSecret done")).length;
  assert.ok(tried >= deployment.secrets.length, `tried ${tried} times`);
  return `${deployment.secrets.length} secrets, each ${rotationDays} days`;
}

async function deploysNothing(deployment: Deployment): Promise<string> {
  const { made } = deployment.world.aws;
  const before = { made: made.length, state: await deployment.state() };
  const { code, output } = await deployment.deploy();
  assert.equal(code, 0, output);
  assert.deepEqual({ made: made.length, state: await deployment.state() }, before);
  return `${output.match(/\(no changes\)/g)?.length} stacks without changes`;
}

/** The other login gets a new password; the one in use goes on. */
async function rotatesPlatforms(deployment: Deployment): Promise<string> {
  const { world } = deployment;
  const shown: string[] = [];
  for (const { platform, tenant, secretArn, host } of deployment.tenants) {
    const before = await deployment.version(secretArn, "AWSCURRENT");
    await world.aws.ask("secretsmanager", "rotate_secret", { SecretId: secretArn });
    const after = await deployment.version(secretArn, "AWSCURRENT");
    assert.notEqual(after.username, before.username);
    assert.deepEqual((await deployment.version(secretArn, "AWSPREVIOUS")).id, before.id);
    for (const version of [before, after]) {
      for (const { name } of tenant.databases) assert.equal((await world.sql(host, version, name, SESSION))[0]?.user, tenant.owner);
    }
    shown.push(`${platform}: ${before.username}, then ${after.username}`);
  }
  return shown.join("; ");
}

/** The old password is refused at once. */
async function rotatesMasters(deployment: Deployment): Promise<string> {
  const { world, outputs } = deployment;
  for (const { host, masterSecret } of Object.values(outputs.instances)) {
    const before = await deployment.version(masterSecret, "AWSCURRENT");
    await world.aws.ask("secretsmanager", "rotate_secret", { SecretId: masterSecret });
    const after = await deployment.version(masterSecret, "AWSCURRENT");
    assert.equal(after.username, before.username);
    assert.equal((await world.sql(host, after, "postgres", "select current_user as user"))[0]?.user, "platform_admin");
    await assert.rejects(world.sql(host, before, "postgres", "select"), { code: "28P01" });
  }
  return Object.keys(outputs.instances).join(", ");
}

async function provisionsNothing(deployment: Deployment): Promise<string> {
  const before = await deployment.state();
  for (const instance of Object.keys(deployment.outputs.instances)) assert.equal(await deployment.provisionAgain(instance), "");
  assert.deepEqual(await deployment.state(), before);
  return "not even a word in the log";
}

const HELM = "Custom::AWSCDK-EKS-HelmChart";
const MANIFEST = "Custom::AWSCDK-EKS-KubernetesResource";
const READY = "Custom::AWSCDK-EKS-KubernetesObjectValue";

/** What of a release CloudFormation makes, in order. */
const RELEASE = ["Namespace", "ConfigMap", "ExternalSecret", "secret ready", "chart"];

/** CloudFormation in the double makes things in the worst order that references and dependencies allow. */
async function releasesInOrder(deployment: Deployment): Promise<string> {
  const steps = deployment.made("Custom::PostgresProvisioning", HELM, MANIFEST, READY);
  const { outputs } = deployment;
  const { platforms } = deployment.subject.environment;
  const shown: string[] = [];
  const operators = steps.filter(({ properties }) => [EXTERNAL_SECRETS, RELOADER].some(({ release }) => release === properties.Release));
  assert.equal(operators.length, 2);
  const begun = Math.max(...[...operators, ...deployment.made("Custom::PostgresProvisioning")].map((each) => steps.indexOf(each)));
  for (const { platform, secretArn, host } of deployment.tenants) {
    const namespace = platforms[platform as keyof typeof platforms]?.settings.namespace ?? "";
    const own = steps.filter((each) => namespaceOf(each) === namespace);
    // No chart installs this one.
    if (platform === "kubeflow-pipelines") {
      assert.deepEqual(own, []);
      continue;
    }
    assert.deepEqual(own.map(kindOf), RELEASE);
    assert.ok(own.every((each) => steps.indexOf(each) > begun));
    const text = JSON.stringify(own.map(({ properties }) => properties));
    for (const each of Object.values(outputs.instances)) assert.equal(text.includes(each.host), each.host === host);
    for (const expected of [secretArn, outputs.platforms[platform]?.readerRoleArn ?? "no role"]) assert.ok(text.includes(expected));
    assert.doesNotMatch(text, /\$\{Token\[|\{\{resolve:|Fn::|undefined|None/);
    shown.push(namespace);
  }
  return `${shown.join(", ")}: ${RELEASE.join(", ")}; with the endpoint of their own instance`;
}

const manifestOf = ({ properties }: Made): readonly JsonObject[] => JSON.parse(String(properties.Manifest ?? "[]")) as JsonObject[];

function namespaceOf(made: Made): string {
  const { Namespace, ObjectNamespace } = made.properties;
  const [{ metadata } = { metadata: {} }] = manifestOf(made);
  const { namespace, name } = metadata as { readonly namespace?: string; readonly name?: string };
  return String(Namespace ?? ObjectNamespace ?? namespace ?? name);
}

function kindOf(made: Made): string {
  if (made.type === HELM) return "chart";
  if (made.type === READY) return `${made.properties.ObjectType} ready`;
  const kinds = manifestOf(made).map(({ kind }) => String(kind));
  // The CA's ConfigMap comes together with the ExternalSecret.
  return RELEASE.findLast((kind) => kinds.includes(kind)) ?? kinds.join(", ");
}

/** Secrets are the only place for a password. */
async function tellsNoPassword({ world, secrets }: Deployment, directory: string): Promise<string> {
  for (const arn of secrets) await world.versions(arn);
  const files = readdirSync(join(directory, "cdk.out")).filter((file) => file.endsWith(".json"));
  const places = {
    templates: files.map((file) => readFileSync(join(directory, "cdk.out", file), "utf8")).join(""),
    resources: JSON.stringify(world.aws.made),
    logs: world.aws.logs.join(""),
    CLI: world.printed,
  };
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text !== "", `nothing in ${place}`);
    for (const password of world.passwords) assert.ok(!text.includes(password), `a password stands in ${place}`);
  }
  return `${world.passwords.size} passwords, none in ${Object.entries(places)
    .map(([place, text]) => `${Math.ceil(text.length / 1000)} kB of ${place}`)
    .join(", ")}`;
}

/** Turned on by the real function, through RDS's API, when the instances are there. */
async function protectsInstances({ world, subject }: Deployment): Promise<string> {
  interface Answer {
    readonly DBInstances: readonly {
      readonly DBInstanceIdentifier: string;
      readonly DeletionProtection: boolean;
      readonly ReadReplicaSourceDBInstanceIdentifier?: string;
    }[];
  }
  const { DBInstances: instances } = await world.aws.ask<Answer>("rds", "describe_db_instances");
  const primaries = instances.filter((each) => each.ReadReplicaSourceDBInstanceIdentifier === undefined);
  const wanted = Object.values(subject.environment.instances).map(({ settings }) => settings.deletionProtection);
  assert.deepEqual(primaries.map((each) => each.DeletionProtection).sort(), wanted.sort());
  return primaries.map((each) => `${each.DBInstanceIdentifier} ${each.DeletionProtection ? "protected" : "may be deleted"}`).join(", ");
}

/** The guard refuses, and the CLI stops there. What is retained is there still, and its network with it. */
async function outlivesItsStacks(deployment: Deployment): Promise<string> {
  const { name, instances } = deployment.subject.environment;
  const guarded = Object.values(instances).some(({ settings }) => settings.deletionProtection);
  const stacks = await deployment.stacks();
  assert.ok(stackName(name, "guard") in stacks);
  const before = { state: await deployment.state(), hosts: await deployment.hosts() };
  const { code, output } = await deployment.destroy();
  assert.deepEqual(await deployment.stacks(), guarded ? stacks : {}, output);
  assert.equal(code === 0, !guarded, output);
  assert.deepEqual({ state: await deployment.state(), hosts: await deployment.hosts() }, before);
  return `${guarded ? "the guard refuses to go, and all stacks are there" : "no stack is left"}; instances, databases, roles and secrets as before`;
}

async function proveAll(subjectIn: (aws: AwsDouble) => Promise<Subject>, prove: Prove, undo: Undo): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "platform-postgres-proof-"));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  const world = await World.start(directory);
  undo.push(() => world.stop());
  const deployment = new Deployment(world, await subjectIn(world.aws), directory);
  const { name, section } = deployment.subject.environment;
  const that = (what: string, run: (deployment: Deployment) => Promise<string>) => prove(`${name}: ${what}`, () => run(deployment));
  await that("an account is bootstrapped", bootstraps);
  if (section.network === null) await that("a deployment that cannot provision fails, and says why", failsHonestly);
  await that("a deployment makes stacks, instances and endpoints", deploys);
  await that("every instance is protected as the spec says", protectsInstances);
  await that("status sees every instance, its standby and its backups", isDescribed);
  await that("every login of every secret gets into its databases, as their owner", logsIn);
  await that("every secret is going to be rotated", willRotate);
  if (section.cluster !== null) await that("releases come after their databases, and each chart after its Secret", releasesInOrder);
  await that("a second deployment changes nothing", deploysNothing);
  await that("a rotation gives each platform its other login", rotatesPlatforms);
  await that("a rotation gives each master a new password", rotatesMasters);
  await that("provisioning after that changes nothing", provisionsNothing);
  await that("no password is told", (each) => tellsNoPassword(each, directory));
  await that("databases outlive their stacks", outlivesItsStacks);
  const noted = [...new Set(world.aws.made.filter((each) => each.noted).map((each) => each.type))];
  process.stdout.write(`  Only noted down, because moto has no such types: ${noted.sort().join(", ")}\n`);
}

void inTurn(async (prove, undo) => {
  moto();
  undo.push(await setUpServers());
  await proveAll(development, prove, undo);
  await proveAll(productionIn, prove, undo);
});
