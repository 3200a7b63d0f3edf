import Table from "cli-table3";
import pc from "picocolors";
import { budget } from "../../constructs/model/budget";
import { formatViolation } from "../../constructs/model/errors";
import { mapValues } from "../../constructs/model/json";
import type { Check } from "../../constructs/provisioning/check";
import { npmCommand, typed } from "../command-line";
import type { ProjectEnvironment } from "../load";
import type { PlatformSummary } from "./deliver";
import { localDirectories } from "./directories";
import type { Session } from "./session";

const PLAIN = { head: [], border: [] };

/** One line that counts, every problem, and every note. */
export function toCheckReport(checks: readonly Check[]): string {
  const problems = checks.filter((check) => check.problem !== null);
  const notes = checks.flatMap(({ subject, promise, note }) =>
    note === undefined ? [] : [`  ${pc.yellow("!")} ${pc.bold(subject)}: ${promise}\n      ${note}\n`],
  );
  if (problems.length === 0) return `${pc.green("✔")} ${checks.length} checks passed\n${notes.join("")}`;
  const lines = problems.map(({ subject, promise, problem }) => `  ${pc.red("✖")} ${pc.bold(subject)}: ${promise}\n      ${problem}`);
  return `${problems.length} of ${checks.length} checks failed:\n${lines.join("\n")}\n${notes.join("")}`;
}

/** Every check, for somebody who wants to see what was looked at. */
export function toCheckTable(checks: readonly Check[]): string {
  const table = new Table({ head: ["", "subject", "promise"], style: PLAIN });
  for (const { subject, promise, problem } of checks) table.push([problem === null ? pc.green("✔") : pc.red("✖"), subject, promise]);
  return `${table.toString()}\n`;
}

/** The table of `npm start`. */
export function toSummaryTable(session: Session, summary: Readonly<Record<string, PlatformSummary>>): string {
  const table = new Table({ head: ["platform", "server", "database", "login", "connections", "start it with"], style: PLAIN });
  for (const { title, instance, databases, login, connectionLimit, configurationFile } of Object.values(summary)) {
    const server = session.instances.find((each) => each.name === instance)?.access.server;
    table.push([
      pc.bold(title),
      `${server?.host}:${server?.port}`,
      databases.join("\n"),
      login,
      `at most ${connectionLimit}`,
      typed(configurationFile),
    ]);
  }
  return `${table.toString()}\n`;
}

export function toBudgetLine({ instances }: Pick<Session, "instances">): string {
  return instances
    .map(({ name, scope: { instance } }) => {
      const limits = mapValues(instance.tenants, (tenant) => tenant.logins[0].connectionLimit);
      const { maxConnections, reserved, used, free } = budget(instance.maxConnections, instance.reservedConnections, limits);
      return pc.dim(`${name}: ${maxConnections} connections = ${used} for platforms + ${reserved} reserved + ${free} free`);
    })
    .join("\n");
}

export function toHints(environment: ProjectEnvironment, summary: Readonly<Record<string, PlatformSummary>>): string {
  const starts = toStarts(summary);
  const names = Object.keys(summary);
  const first = names.find((name) => summary[name]?.startCommands.length !== 0) ?? names[0] ?? "";
  const about = { environment: environment.name };
  return [
    ...(starts.length === 0 ? [] : ["Start a platform, in another terminal:", "", ...starts.map((line) => `  ${line}`), ""]),
    `Open a prompt:      ${npmCommand("sql", about, [first])}`,
    `Change a password:  ${npmCommand("rotate", about, ["--platform", first])}`,
    `Look for faults:    ${npmCommand("doctor", about)}`,
    `For a cluster:      ${typed(localDirectories(environment.name).output)}/${first}/README.txt`,
  ].join("\n");
}

/** The commands that start each platform, below its title. */
export function toStarts(summary: Readonly<Record<string, Pick<PlatformSummary, "title" | "startCommands">>>): readonly string[] {
  return Object.values(summary).flatMap(({ title, startCommands }) => (startCommands.length === 0 ? [] : [`# ${title}`, ...startCommands]));
}

export function toWarnings(environment: ProjectEnvironment): string {
  return environment.warnings.map((warning) => `${pc.yellow("!")} ${formatViolation(warning)}\n`).join("");
}
