import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import type { ImportFacts } from "../../constructs/model/imports";
import type { Tenant } from "../../constructs/model/spec";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { close, persist } from "../../constructs/provisioning/connect";
import { type Choices, type Comparison, compare, type Target } from "../../constructs/provisioning/import/compare";
import { type Copied, copy, RefusedRows } from "../../constructs/provisioning/import/copy";
import { keep } from "../../constructs/provisioning/import/keep";
import { explainLoss, openForCopy, openPostgres } from "../../constructs/provisioning/import/postgres";
import type { Source } from "../../constructs/provisioning/import/source";
import { openSqlite } from "../../constructs/provisioning/import/sqlite";
import { type Connection, connectDeployed } from "../cloud-session";
import {
  aboutOf,
  type CloudOptions,
  createCommand,
  type FormatOptions,
  type Invocation,
  main,
  whenStopped,
  withCloudOptions,
  withExamples,
  withFormat,
  withVia,
} from "../command";
import { npmCommand } from "../command-line";
import { confirm } from "../confirm";
import { importDocument } from "../documents/import-document";
import { toAbout } from "../documents/values";
import { createMeter } from "../import/meter";
import { askPassword } from "../import/password";
import { type From, type ImportTarget, readFrom } from "../import/read-from";
import { type ImportedPart, isSeen, rowsThatCome, toIntention, toReport } from "../import/report";
import { toStop } from "../instructions";
import { withServers } from "../local/session";
import { instanceOf, type Located, locate, passwordsOf } from "../local/tenant";
import { grouped } from "../plan/words";

interface Options extends CloudOptions, FormatOptions, Partial<Choices> {
  readonly platform: string;
  readonly from: readonly string[];
  readonly yes?: boolean;
}

const command = createCommand("import", "Copy a platform's existing data into its database: all of it, compared row by row, or nothing.")
  .requiredOption("-p, --platform <name>", "the platform; it must have created its tables, and be stopped")
  .requiredOption("--from <source...>", "a SQLite file, or postgresql://USER@HOST/DATABASE; several databases: KEY=URL for each")
  .option("--dry-run", "do everything, comparison included, and keep nothing")
  .option("--replace", "delete the rows that are there")
  .option("--renumber", "give IDs that are too large for PostgreSQL new ones: experiments of MLflow's file store")
  .option("--without-orphans", "leave out, or empty, what refers to rows that do not exist, as ON DELETE says")
  .option("--other-revision", "import between revisions whose tables and columns are equal")
  .option("--yes", "do not ask");

withExamples(
  command,
  ["-p mlflow --from ./mlflow.db --dry-run", "a rehearsal, which also says how long it takes"],
  ["-p mlflow --from ./mlflow.db", "from the file of a server that is stopped"],
  ["-p prefect --from 'postgresql://me@db.example.com/prefect?sslrootcert=ca.pem'", "from another PostgreSQL; its password is asked for"],
  ["-p mlflow --from ./mlflow.db --cloud aws -e production --outputs cdk-outputs.json --via localhost:5433", "into what is deployed"],
);

whenStopped(command, "unless it said that the rows are in, nothing was changed; run it again");

export const program = main<Options>(withFormat(withVia(withCloudOptions(command))), async (invocation) => {
  const { environment, cloud, progress, options } = invocation;
  const located = locate(environment, options.platform);
  const target = targetOf(invocation);
  const from = await readFrom(options.from, target);
  const password = [...from.values()].some(({ kind }) => kind === "postgresql") ? await askPassword() : "";
  const run = (connection: Connection) => importAll(invocation, located, target, connection, from, password);
  return cloud === null
    ? withServers(environment, progress, (session) => run(instanceOf(session, located.instance)), { creates: false })
    : run(connectDeployed(invocation, cloud, located.instance));
});

interface Chosen extends ImportTarget {
  readonly stop: string;
}

function targetOf({ environment, options }: Invocation<Options>): Chosen {
  const resolved = environment.platforms[options.platform];
  const platform = resolved && platforms[resolved.kind as keyof typeof platforms];
  const wired = wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }))[options.platform];
  if (resolved === undefined || platform === undefined || wired === undefined) throw new TypeError(`${options.platform} was not wired`);
  const facts: ImportFacts = platform.imports(resolved.settings as never);
  return { title: platform.title, facts, databases: resolved.databases, stop: toStop(wired) };
}

/** One of the platform's databases, and what it comes from. */
interface Part {
  readonly source: Source;
  readonly target: Target;
  readonly comparison: Comparison;
}

async function importAll(
  invocation: Invocation<Options>,
  { tenant }: Located,
  chosen: Chosen,
  connection: Connection,
  from: ReadonlyMap<string, From>,
  password: string,
): Promise<number> {
  const { options, progress } = invocation;
  const choices = choicesOf(options);
  const parts: Part[] = [];
  const ends: (() => Promise<void>)[] = [];
  try {
    for (const [database, place] of from) {
      progress.doing(`looking at what database ${database} would get`);
      if (place.kind === "postgresql" && place.warning !== null) progress.note(`${pc.yellow("!")} ${place.warning}`);
      const source = await openSource(place, choices.renumber ? chosen.facts.renumbered : null, password);
      ends.push(() => source.close());
      const target = await openTarget(invocation, tenant, chosen, connection, database);
      ends.push(() => close(target.client));
      parts.push({ source, target, comparison: await compare(source, target, choices) });
    }
    const problems = parts.flatMap(({ comparison }) => comparison.problems);
    if (problems.length > 0) throw refusalOf(problems);
    await agree(invocation, parts, connection);
    return await carryOut(invocation, chosen.facts, parts, choices);
  } catch (error) {
    if (error instanceof RefusedRows) throw refusalOf(error.problems);
    const { server } = connection.access;
    throw explainLoss(error, { ...server, username: tenant.owner, database: [...from.keys()].join(", ") });
  } finally {
    // Closing a session also rolls back what it has not committed.
    await Promise.all(ends.map((end) => end()));
  }
}

const choicesOf = ({
  replace = false,
  renumber = false,
  withoutOrphans = false,
  otherRevision = false,
  dryRun = false,
}: Options): Choices => ({
  replace,
  renumber,
  withoutOrphans,
  otherRevision,
  dryRun,
});

const openSource = (place: From, renumber: ImportFacts["renumbered"], password: string): Promise<Source> =>
  place.kind === "sqlite"
    ? openSqlite(place.path, renumber)
    : openPostgres({ ...place, credential: { username: place.username, password } });

async function openTarget(
  { options: { platform } }: Invocation<Options>,
  tenant: Tenant,
  { facts, title, stop }: Chosen,
  { access }: Connection,
  database: string,
): Promise<Target> {
  const { current: credential } = await passwordsOf(platform, tenant, access);
  const client = await persist(access.server, credential, database, access.patience, () =>
    openForCopy(access.server, credential, database),
  );
  return {
    client,
    database,
    logins: tenant.logins.map(({ name }) => name),
    revision: tenant.revisions.find((each) => each.database === database) ?? null,
    facts,
    stop: `stop it first; in a cluster: ${stop}`,
    migrate: `let ${title} create them first: start it once, or apply its migrate-job.yaml`,
  };
}

function refusalOf(problems: readonly string[]): UserError {
  const [only = ""] = problems;
  return new UserError(problems.length === 1 ? only : `nothing was imported:\n${problems.map((each) => `  - ${each}`).join("\n")}`);
}

async function agree({ options, progress }: Invocation<Options>, parts: readonly Part[], { access }: Connection): Promise<void> {
  progress.stop();
  const where = `${access.server.host}:${access.server.port}`;
  for (const { source, target, comparison } of parts) {
    process.stderr.write(`${toIntention(target.database, where, source, comparison)}\n`);
    for (const note of comparison.notes) process.stderr.write(`${pc.yellow("!")} ${note}\n`);
  }
  if (options.yes === true || options.dryRun === true) return;
  if (!(await confirm("Import?", "import asks before it changes anything, and nobody can answer here; add --yes")))
    throw new UserError("nothing was imported");
}

async function carryOut(invocation: Invocation<Options>, facts: ImportFacts, parts: readonly Part[], choices: Choices): Promise<number> {
  const { environment, options, progress } = invocation;
  const began = performance.now();
  const done: (ImportedPart & { readonly target: Target })[] = [];
  for (const { source, target, comparison } of parts) {
    const copied: Copied = await copy(source, target, comparison.tables, choices, createMeter(progress, rowsThatCome(comparison)));
    done.push({ database: target.database, source, target, comparison, copied });
  }
  const notes = parts.flatMap(({ comparison }) => comparison.notes);
  for (const { source, copied } of done) {
    if (!(await source.hasChanged(copied.sent))) continue;
    const sentence = `${source.title} has changed while it was copied; stop what writes to it, and run this again`;
    if (!choices.dryRun) throw new UserError(sentence);
    notes.push(sentence);
    progress.note(`${pc.yellow("!")} ${sentence}`);
  }
  if (!choices.dryRun) for (const { target, comparison } of done) await keep(target, comparison.tables);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const rows = done.reduce((all, { copied }) => all + copied.tables.reduce((sum, table) => sum + table.rows, 0), 0);
  progress.done(
    choices.dryRun
      ? `rehearsed: ${grouped(rows)} rows were copied, compared with ${done[0]?.source.title}, and not kept`
      : `${grouped(rows)} rows are in, each compared with ${done[0]?.source.title}`,
  );
  progress.stop();
  const next = choices.dryRun
    ? "Run the same without --dry-run to keep them."
    : `Start the platform, then: ${npmCommand("doctor", aboutOf(invocation))}`;
  process.stdout.write(
    options.format === "json"
      ? importDocument.print({
          ...toAbout(environment),
          platform: options.platform,
          kept: !choices.dryRun,
          seconds,
          databases: done.map(toDatabase),
          notes,
          besides: facts.besides,
          next,
        })
      : `${toReport(done, facts)}\n${pc.dim(next)}\n`,
  );
  return 0;
}

const toDatabase = ({ database, source, comparison, copied }: ImportedPart) => ({
  database,
  source: source.title,
  sourceRevision: comparison.revisions.source,
  targetRevision: comparison.revisions.target,
  tables: copied.tables.map(({ table, rows }) => ({
    table,
    rows,
    deleted: comparison.tables.find((each) => each.table.name === table)?.goes ?? 0,
  })),
  orphans: copied.orphans.map(({ table, columns, other, rows, fate }) => ({ table, columns, other, rows, fate })),
  renumbered: [...source.renumbered].map(([before, after]) => ({ before, after })),
  locations: copied.locations.map((location) => ({ ...location, podsCanReach: isSeen(location.scheme) })),
});

if (require.main === module) void program.run();
