import pc from "picocolors";
import { budget } from "../../constructs/model/budget";
import { formatViolation } from "../../constructs/model/errors";
import { mapValues } from "../../constructs/model/json";
import type { Check } from "../../constructs/provisioning/check";
import { npmCommand, typed } from "../command-line";
import type { ProjectEnvironment } from "../load";
import { terminalColumns, toTable, wrap } from "../table";
import { count, type PlatformSummary } from "./deliver";
import { localDirectories } from "./directories";
import type { Session } from "./session";

/** A line with counts, then every problem and every note. */
export function toCheckReport(checks: readonly Check[]): string {
  const problems = checks.filter((check) => check.problem !== null);
  const notes = checks.flatMap(({ subject, promise, note }) =>
    note === undefined ? [] : [`  ${pc.yellow("!")} ${pc.bold(subject)}: ${promise}\n      ${note}\n`],
  );
  if (problems.length === 0) return `${pc.green("✔")} ${checks.length} checks passed\n${notes.join("")}`;
  const lines = problems.map(({ subject, promise, problem }) => `  ${pc.red("✖")} ${pc.bold(subject)}: ${promise}\n      ${problem}`);
  return `${problems.length} of ${checks.length} checks failed:\n${lines.join("\n")}\n${notes.join("")}`;
}

/** Every check, below its subject. */
export function toCheckTable(checks: readonly Check[]): string {
  const columns = terminalColumns();
  const line = ({ promise, problem }: Check) => wrap(`  ${problem === null ? pc.green("✔") : pc.red("✖")} ${promise}`, columns, "    ");
  return [...new Set(checks.map(({ subject }) => subject))]
    .map((subject) => [pc.bold(subject), ...checks.filter((check) => check.subject === subject).map(line), ""].join("\n"))
    .map((group) => `${group}\n`)
    .join("");
}

/** The tables of `npm start`: one for each server. */
export function toSummaryTable({ environment, instances }: Session, summary: Readonly<Record<string, PlatformSummary>>): string {
  const directory = typed(localDirectories(environment.name).output);
  const fileOf = (file: string) => (file.startsWith(`${directory}/`) ? file.slice(directory.length + 1) : file);
  const tables = instances.flatMap(({ name, access: { server } }) => {
    const rows = Object.values(summary)
      .filter(({ instance }) => instance === name)
      .map(({ title, databases, login, connectionLimit, configurationFile }) => [
        pc.bold(title),
        databases.join("\n"),
        login,
        String(connectionLimit),
        fileOf(typed(configurationFile)),
      ]);
    const table = toTable(["platform", "database", "login", "connection limit", "start it with"], rows, {
      aligns: ["left", "left", "left", "right", "left"],
    });
    return rows.length === 0 ? [] : [`${pc.bold(name)} on ${server.host}:${server.port}; files in ${directory}\n${table}\n`];
  });
  return tables.join("\n");
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
    `Rotate a password:  ${npmCommand("rotate", about, ["--platform", first])}`,
    `Find problems:      ${npmCommand("doctor", about)}`,
    `For a cluster:      ${typed(localDirectories(environment.name).output)}/${first}/README.txt`,
  ].join("\n");
}

/** The commands that start each platform, below its title. */
export function toStarts(summary: Readonly<Record<string, Pick<PlatformSummary, "title" | "startCommands">>>): readonly string[] {
  return Object.values(summary).flatMap(({ title, startCommands }) => (startCommands.length === 0 ? [] : [`# ${title}`, ...startCommands]));
}

export function toWarnings(environment: Warned): string {
  return environment.warnings.map((warning) => `${pc.yellow("!")} ${formatViolation(warning)}\n`).join("");
}

type Warned = Pick<ProjectEnvironment, "name" | "warnings">;
type Warning = Warned["warnings"][number];

/** Whether the environment acknowledges it. */
const isAcknowledged = ({ remedy }: Warning): boolean => remedy.startsWith("acknowledged: ");
/** Most of these concern a cluster, which this machine does not have. */
const isOfPlatform = ({ path }: Warning): boolean => path.startsWith("platforms.");

/** The warnings after a start on this machine: those about platforms by their IDs, because `doctor --all` shows them. */
export function toBriefWarnings({ name, warnings }: Warned): string {
  const open = warnings.filter((warning) => !isAcknowledged(warning));
  const others = open.filter(isOfPlatform);
  const ids = [...new Set(others.map(({ id, path }) => id ?? path))].join(", ");
  const brief = `${pc.yellow("!")} ${count(others.length, "warning")} about platforms: ${ids}`;
  const all = `  Read ${others.length === 1 ? "it" : "them"} with ${npmCommand("doctor", { environment: name }, ["--all"])}`;
  return [
    toWarnings({ name, warnings: open.filter((warning) => !isOfPlatform(warning)) }),
    others.length === 0 ? "" : `${wrap(brief, terminalColumns(process.stderr), "  ")}\n${all}\n`,
  ].join("");
}

/** The warnings as a group of `doctor --all`. */
export function toWarningGroup({ name, warnings }: Warned): string {
  if (warnings.length === 0) return "";
  const columns = terminalColumns();
  const lines = warnings.map((warning) => wrap(`  ${pc.yellow("!")} ${formatViolation(warning)}`, columns, "    "));
  return `${[pc.bold(`environment ${name}`), ...lines].join("\n")}\n\n`;
}
