import { Option } from "commander";
import pc from "picocolors";
import { SpecError, UserError } from "../../constructs/model/errors";
import { suggest } from "../../constructs/model/suggest";
import { checkEnvironments } from "../check-environments";
import { loadCloud, missingPackages } from "../clouds";
import { createCommand, toProgram, UserErrors, withExamples } from "../command";
import { npmLine } from "../command-line";
import { environmentsOn } from "../load";
import { findChanges, type Snapshot, type StackSnapshot } from "../snapshot";
import { folderOf, readSnapshots, removeStack, type Subject, snapshotsFolder, writeStack } from "../snapshot-files";
import { CLOUDS } from "../spec";

interface Options extends Partial<Subject> {
  readonly update?: boolean;
}

const command = createCommand(
  "snapshot",
  "Compare what a deployment would create with the committed snapshots. Needs no account.",
  "all that have a cloud's section",
)
  .addOption(new Option("-c, --cloud <name>", "compare only this cloud").choices(CLOUDS))
  .option("--update", "accept the differences: write the snapshots");

withExamples(
  command,
  ["", "compare all environments"],
  ["--cloud aws -e production", "compare one environment"],
  ["--update", "accept the differences"],
);

export const program = toProgram<Options>(command, async ({ update = false, ...only }, progress) => {
  const current: Record<string, StackSnapshot> = {};
  const onSubject = ({ environment, cloud }: Subject) => progress.doing(`computing what ${environment} on ${cloud} would create`);
  for (const [folder, snapshot] of await takeSnapshots(chooseSubjects(only), onSubject))
    for (const [stack, content] of Object.entries(snapshot)) current[`${folder}/${stack}`] = content;
  // Environments of this machine have no snapshot: only their specs are checked.
  const problems = Object.keys(only).length === 0 ? checkEnvironments() : [];
  if (problems.length > 0) throw new UserErrors(problems);
  const changes = findChanges(readSnapshots(only), current);
  progress.stop();
  const count = Object.keys(current).length;
  if (changes.length === 0) {
    const found = `${plural(count, "stack")} match${count === 1 ? "es" : ""} the committed snapshots`;
    process.stdout.write(`${pc.green("✔")} ${count === 0 ? "nothing to compare: no environment has a cloud's section" : found}\n`);
    return 0;
  }
  if (update) {
    for (const { stack, content } of changes) content === null ? removeStack(stack) : writeStack(stack, content);
    const removed = changes.filter(({ content }) => content === null).length;
    process.stdout.write(
      `${pc.green("✔")} ${plural(changes.length - removed, "snapshot")} written, ${removed} removed; commit ${snapshotsFolder()}\n`,
    );
    return 0;
  }
  const accept = Object.entries(only).flatMap(([option, value]) => [`--${option}`, value]);
  process.stdout.write(
    [
      ...changes.flatMap(({ lines }) => lines),
      `${pc.red("✖")} ${plural(changes.length, "stack")} differ${changes.length === 1 ? "s" : ""} from the committed snapshots; to accept this, run ${npmLine("snapshot", ["--update", ...accept])}`,
      "",
    ].join("\n"),
  );
  return 1;
});

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** Returns every environment on every cloud that it has a section for. @throws UserError if the user names one without. */
function chooseSubjects({ environment, cloud }: Partial<Subject>): readonly Subject[] {
  const clouds = CLOUDS.filter((each) => (cloud ?? each) === each);
  const all = clouds.flatMap((each) => environmentsOn(each).map((name) => ({ environment: name, cloud: each })));
  if (environment === undefined) return all;
  const named = all.filter((subject) => subject.environment === environment);
  if (named.length > 0) return named;
  const names = [...new Set(all.map((subject) => subject.environment))];
  throw new UserError(`there is no environment ${environment} with a section ${clouds.join(" or ")}; ${suggest(environment, names)}`);
}

/** Returns snapshots by folder. @throws UserError that names every invalid environment. */
async function takeSnapshots(
  subjects: readonly Subject[],
  onSubject: (subject: Subject) => void,
): Promise<readonly (readonly [folder: string, snapshot: Snapshot])[]> {
  const taken: (readonly [string, Snapshot])[] = [];
  const mistakes = new Set<string>();
  for (const subject of subjects) {
    onSubject(subject);
    try {
      taken.push([folderOf(subject), await takeSnapshot(subject)]);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      mistakes.add(error instanceof SpecError ? `${subject.environment} on ${subject.cloud}: ${error.message}` : error.message);
    }
  }
  if (mistakes.size > 0) throw new UserErrors([...mistakes]);
  return taken;
}

async function takeSnapshot({ environment, cloud: name }: Subject): Promise<Snapshot> {
  try {
    const cloud = loadCloud(name);
    return await cloud.snapshot(cloud.loadToSynthesize(environment));
  } catch (error) {
    const missing = missingPackages(error);
    if (missing === null) throw error;
    const others = CLOUDS.filter((each) => each !== name).join(" or ");
    throw new UserError(`${missing.message}, or compare only --cloud ${others}`);
  }
}

if (require.main === module) void program.run();
