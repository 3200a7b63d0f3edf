import { type Proof, run } from "../tools";
import { manyRows } from "./killed";
import { proofOf, type Ran, type World } from "./world";

/** What 300,000 rows may take, on two cores: seconds, and MiB. */
const GOAL = { seconds: 15, memory: 250 } as const;
/** Rows, and how often each program copies them: the best counts, since other programs run meanwhile. */
const SIZES = [
  { size: 300_000, times: 3, seconds: GOAL.seconds },
  { size: 1_500_000, times: 1, seconds: Number.POSITIVE_INFINITY },
] as const;

const shownOf = (rows: number, { seconds, memory }: Ran): string =>
  `${rows} rows, ${seconds.toFixed(1)} s, ${Math.round(rows / seconds)} rows/s, ${memory.toFixed(0)} MiB`;

/** How fast it is, beside pgloader where that is installed, in turn, each into its own database. */
export async function proveFigures(world: World): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  const isInstalled = run("sh", ["-c", "command -v pgloader"]).code === 0;
  for (const platform of ["mlflow-many", "mlflow-loaded"]) world.migrate(platform);
  for (const { size, times, seconds } of SIZES) {
    const { file, rows } = manyRows(world, "mlflow-many", size);
    const [ours, theirs]: [Ran[], Ran[]] = [[], []];
    for (let time = 0; time < times; time += 1) {
      ours.push(await world.import("mlflow-many", file, ["--replace"]));
      if (isInstalled) theirs.push(await load(world, file));
    }
    const its = best(ours);
    const isGood = ours.every(({ code }) => code === 0) && its.seconds <= seconds && its.memory <= GOAL.memory;
    const goal = `${Number.isFinite(seconds) ? `${seconds} s and ` : ""}${GOAL.memory} MiB`;
    proofs.push(proofOf(`npm run import, each row compared: at most ${goal}`, isGood ? null : its.output, shownOf(rows, its)));
    proofs.push(
      isInstalled
        ? besidePgloader(rows, its, theirs, Number.isFinite(seconds))
        : { ...NOT_MEASURED, what: `${NOT_MEASURED.what}, ${rows} rows` },
    );
  }
  return proofs;
}

const NOT_MEASURED = { what: "beside pgloader", problem: null, shown: "", missing: "pgloader is not installed; install it to compare" };

const best = ([first, ...others]: readonly Ran[]): Ran => {
  if (first === undefined) throw new TypeError("nothing ran");
  return others.reduce((found, each) => (each.seconds < found.seconds ? each : found), first);
};

/** How much longer than pgloader it may take: on a machine that others use, the same program differs by that much from run to run. */
const NOISE = 1.25;

/**
 * pgloader may also fail: SBCL ends where its memory does. Then there is nothing to compare with.
 *
 * @param isLimited whether the time has a limit. Where it has not, comparing each row may take longer than loading it.
 */
function besidePgloader(rows: number, ours: Ran, theirs: readonly Ran[], isLimited: boolean): Proof {
  const finished = theirs.filter(({ code }) => code === 0);
  if (finished.length === 0)
    return proofOf("pgloader fails on the same rows", null, `exit code ${theirs[0]?.code}, ${theirs[0]?.memory.toFixed(0)} MiB`);
  const its = best(finished);
  const ratio = ours.seconds / its.seconds;
  const problem = ratio <= NOISE || !isLimited ? null : `it takes ${ratio.toFixed(2)} times as long`;
  return proofOf(
    `${isLimited ? `at most ${NOISE} times as long as` : "beside"} pgloader, which compares nothing`,
    problem,
    `pgloader: ${shownOf(rows, its)}; ${ratio.toFixed(2)} of its time`,
  );
}

/** pgloader into the schema that is there, whose foreign keys it drops for good. It takes a private CA only by OpenSSL's variable. */
function load(world: World, file: string): Promise<Ran> {
  const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD = "", PGSSLROOTCERT = "" } = world.variablesOf("mlflow-loaded");
  const into = `postgresql://${PGUSER}@${PGHOST}:${PGPORT}/${PGDATABASE}?sslmode=require`;
  const words = ["pgloader", "--with", "data only", "--with", "truncate", "--with", "reset sequences", `sqlite://${file}`, into];
  return world.run(words, { PGPASSWORD, SSL_CERT_FILE: PGSSLROOTCERT });
}
