import { join } from "node:path";
import { toSecret } from "../../constructs/kubernetes/objects";
import { toPlatformObjects } from "../../constructs/kubernetes/platform-objects";
import { toPlainText } from "../../constructs/kubernetes/secret-template";
import { alone } from "../../constructs/local/ownership";
import { mapValues, ownEntry } from "../../constructs/model/json";
import type { ForeignTables, Platform, ServerVersion } from "../../constructs/model/platform";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/check";
import { diagnose } from "../../constructs/provisioning/doctor";
import { closePlatform, NothingToClose } from "../../constructs/provisioning/left";
import { type Provisioned, provision } from "../../constructs/provisioning/provision";
import { readChart } from "../chart";
import { standing } from "../command-line";
import { titleOf } from "../instructions";
import { type OutputFile, toPlatformFiles, toProcessFiles, writeOutput } from "../output";
import type { Progress } from "../progress";
import { toYaml } from "../yaml";
import { localDirectories } from "./directories";
import { stranger } from "./identity";
import type { Session } from "./session";
import { startDirectories, toStartCommands } from "./start-commands";
import { instanceOf, locate, passwordsOf } from "./tenant";

/** These files show what a cluster gets; the database is this machine's. */
const CAUTION = "The host is localhost, this machine: read these files, but do not apply them to a cluster.";

/** Provisions every instance, and shows how much changed. Returns what was done by instance. */
export async function provisionAll(
  { instances }: Pick<Session, "instances">,
  progress: Progress,
): Promise<Readonly<Record<string, Provisioned>>> {
  const provisioned: Record<string, Provisioned> = {};
  for (const { name, scope, access } of instances) {
    progress.doing(`provisioning ${name}`);
    const done = await provision(scope, access);
    const { changes } = done;
    provisioned[name] = done;
    const platforms = count(Object.keys(scope.instance.tenants).length, "platform");
    progress.done(
      changes.length === 0
        ? `${name} is up to date (${platforms})`
        : `${name} provisioned (${platforms}, ${count(changes.length, "statement")})`,
    );
  }
  return provisioned;
}

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

type Platformed = Pick<Session["environment"], "platforms">;

const kindOf = (environment: Platformed, name: string): Platform | undefined =>
  ownEntry<Platform>(platforms, environment.platforms[name]?.kind ?? "");

/** The verified versions of each platform's server. */
export const versionsOf =
  (environment: Platformed) =>
  (name: string): readonly ServerVersion[] => {
    const its = environment.platforms[name];
    return (its && kindOf(environment, name)?.servers(its.settings)?.versions) ?? [];
  };

/** Problems that other programs' tables cause in each platform's databases. */
export const foreignTablesOf =
  (environment: Platformed) =>
  (name: string): ForeignTables | null =>
    kindOf(environment, name)?.foreignTables ?? null;

/** Checks every instance as the platforms connect to it. */
export async function diagnoseAll(
  { environment, instances }: Pick<Session, "environment" | "instances">,
  progress: Progress,
): Promise<readonly Check[]> {
  const { certificate } = await stranger(environment.name);
  const checks: Check[] = [];
  for (const { name, scope, access } of instances) {
    progress.doing(`checking ${name}`);
    const knowing = { ...access, versions: versionsOf(environment), foreignTables: foreignTablesOf(environment) };
    checks.push(...(await diagnose(name, scope, knowing, certificate)));
  }
  return checks;
}

/**
 * Closes the logins of a platform that was removed from the spec, on every instance that has any. A failure on one instance does not stop
 * the others, and is reported at the end.
 *
 * @returns the number of ended sessions.
 * @throws UserError if an instance failed, or if none has logins to close.
 */
export async function closeAll({ instances }: Pick<Session, "instances">, platform: string): Promise<number> {
  const refusals: unknown[] = [];
  let ended = 0;
  for (const { scope, access } of instances)
    try {
      ended += await closePlatform(platform, scope.environment, Object.values(scope.instance.tenants), access);
    } catch (error) {
      refusals.push(error);
    }
  const failure = refusals.find((error) => !(error instanceof NothingToClose));
  if (failure !== undefined) throw failure;
  if (refusals.length === instances.length) throw refusals[0];
  return ended;
}

/** A platform as `npm start` and `summary.json` show it. Contains no secret. */
export interface PlatformSummary {
  readonly title: string;
  readonly instance: string;
  readonly databases: readonly string[];
  readonly owner: string;
  /** The login that the platform uses. */
  readonly login: string;
  readonly connectionLimit: number;
  /** File from which a process on this machine starts: `platform.env`, or the platform's configuration file. */
  readonly configurationFile: string;
  /** The commands that start it on this machine; empty if it needs more than these files. */
  readonly startCommands: readonly string[];
}

/** Writes each platform's files to `out/<environment>/`. One process at a time, so that none overwrites a renewed password. */
export async function deliver(session: Session): Promise<Readonly<Record<string, PlatformSummary>>> {
  return alone(localDirectories(session.environment.name).output, () => writeAll(session));
}

async function writeAll(session: Session): Promise<Readonly<Record<string, PlatformSummary>>> {
  const { environment, instances } = session;
  const { output } = localDirectories(environment.name);
  const wired = wirePlatforms(environment, platforms, ({ instance: name }) => {
    const { host, port } = instanceOf(session, name).access.server;
    return { host, port, sidecar: null };
  });

  const files: OutputFile[] = [];
  const summary: Record<string, PlatformSummary> = {};
  for (const [name, each] of Object.entries(wired)) {
    const { instance, tenant } = locate(environment, name);
    const { ca, access, directory } = instanceOf(session, instance);
    const versions = await passwordsOf(name, tenant, access);
    const caFile = join(output, instances.length === 1 ? "ca.pem" : `ca-${instance}.pem`);
    const startCommands = toStartCommands(name, each.wiring, startDirectories(environment.name));
    const processFiles = toProcessFiles(name, each.wiring, {
      credential: versions.current,
      secret: mapValues(each.wiring.secret, (template) => toPlainText(template, versions.current, ca)),
      caFile,
      directory: join(output, name),
    });
    files.push(
      ...toPlatformFiles(name, each, {
        objects: toPlatformObjects(each, { secret: null, ca, access: [] }),
        secretFile: "secret.yaml",
        caution: directory === null ? null : CAUTION,
        start: { directory: standing(), commands: startCommands },
      }),
      ...(await readChart(name, each)),
      { path: `${name}/secret.yaml`, content: toYaml([toSecret(each, versions.current, ca)]), secret: true },
      ...processFiles,
      { path: caFile.slice(output.length + 1), content: ca, secret: false },
    );
    summary[name] = {
      title: titleOf(name, each),
      instance,
      databases: tenant.databases.map((database) => database.name),
      owner: tenant.owner,
      login: versions.current.username,
      connectionLimit: tenant.logins[0].connectionLimit,
      startCommands,
      configurationFile: join(output, processFiles[0]?.path ?? name),
    };
  }
  await writeOutput(output, [
    ...files,
    { path: "summary.json", content: `${JSON.stringify(toSummary(session, summary), null, 2)}\n`, secret: false },
  ]);
  return summary;
}

function toSummary({ environment, instances }: Session, summary: Readonly<Record<string, PlatformSummary>>): object {
  return {
    environment: environment.name,
    target: environment.target,
    instances: Object.fromEntries(
      instances.map(({ name, scope: { instance }, access: { server }, directory }) => [
        name,
        {
          majorVersion: instance.settings.majorVersion,
          host: server.host,
          port: server.port,
          tls: server.tls.mode,
          maxConnections: instance.maxConnections,
          directory,
        },
      ]),
    ),
    platforms: summary,
  };
}
