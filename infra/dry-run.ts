import pc from "picocolors";
import { type DryRun, dryRun, type PlatformDryRun } from "../constructs/provisioning/dry-run";
import { onOneLine } from "../constructs/provisioning/shown";
import type { DryRunInstance, dryRunDocument } from "./documents/documents";
import type { ValuesOf } from "./documents/schema";
import { toAbout, toStatements } from "./documents/values";
import { count } from "./local/deliver";
import type { ReachableInstance, Session } from "./local/session";
import type { Progress } from "./progress";

/** Returns what provisioning would do on every instance. Changes nothing. */
export async function dryRunAll(
  { environment, instances }: Pick<Session, "environment" | "instances">,
  progress: Progress,
): Promise<ValuesOf<typeof dryRunDocument>> {
  const found: DryRunInstance[] = [];
  for (const instance of instances) {
    progress.doing(`inspecting ${instance.name}`);
    found.push(toInstance(instance, await dryRun(instance.scope, instance.access)));
  }
  return { ...toAbout(environment), upToDate: found.every(isUpToDate), instances: found };
}

const isUpToDate = ({ refusal, statements, secrets, problems, unsound, unknown }: DryRunInstance): boolean =>
  refusal === null && [statements, secrets, problems, unsound, unknown].every((each) => each.length === 0);

function toInstance({ name, access: { server } }: ReachableInstance, { refusal, platforms }: DryRun): DryRunInstance {
  const each = Object.entries(platforms);
  const sentences = (key: "problems" | "unsound" | "unknown", before = "") =>
    each.flatMap(([platform, its]: readonly [string, PlatformDryRun]) =>
      its[key].map((sentence) => ({ platform, sentence: before + sentence })),
    );
  return {
    name,
    host: server.host,
    port: server.port,
    refusal,
    statements: each.flatMap(([, { changes }]) => toStatements(changes)),
    secrets: each.flatMap(([platform, { secret }]) =>
      secret === null ? [] : [{ platform, secret: secret.secret, logins: secret.logins, reason: secret.why }],
    ),
    problems: sentences("problems"),
    unsound: sentences("unsound"),
    unknown: sentences("unknown", "known only after provisioning: "),
    works: each.flatMap(([platform, { works }]) => works.map((login) => ({ platform, login }))),
  };
}

/** The same as text: SQL statements, with their reasons as comments. */
export const toDryRunText = ({ instances }: ValuesOf<typeof dryRunDocument>): string => instances.map(toText).join("");

function toText(instance: DryRunInstance): string {
  const { name, statements, secrets, problems, unsound, unknown, works } = instance;
  if (instance.refusal !== null) return `${pc.red("✖")} ${pc.bold(name)} cannot be provisioned: ${onOneLine(instance.refusal)}\n`;
  const working = `${count(works.length, "login")} ${works.length === 1 ? "works" : "work"}`;
  if (isUpToDate(instance)) return `${pc.green("✔")} ${pc.bold(name)} is up to date: provisioning would change nothing (${working})\n`;
  const lines = (mark: string, found: DryRunInstance["problems"]) =>
    found.map(({ platform, sentence }) => `  ${mark} ${pc.bold(platform)}: ${onOneLine(sentence)}`);
  return [
    `${pc.bold(name)}: provisioning would run ${count(statements.length, "statement")} and write ${count(secrets.length, "secret")} (${working})`,
    ...statements.flatMap(({ platform, database, reason, sql }) => [
      pc.dim(`  -- ${platform}${database === "postgres" ? "" : `, in database ${database}`}: ${onOneLine(reason)}`),
      `  ${sql};`,
    ]),
    ...secrets.map(
      ({ platform, secret, logins, reason }) =>
        `  ${pc.cyan("+")} ${pc.bold(platform)}: secret ${secret} gets a new password for ${logins.join(" and ")}: ${reason}`,
    ),
    ...lines(pc.red("✖"), problems),
    ...lines(pc.yellow("!"), unsound),
    ...lines(pc.cyan("?"), unknown),
    "",
  ].join("\n");
}
