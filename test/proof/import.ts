import "../../infra/docs/script";

import { proveFigures } from "./import/figures";
import { proveKills } from "./import/killed";
import { proveLangflow } from "./import/langflow";
import { proveFileStore, proveMlflow, proveOldMlflow } from "./import/mlflow";
import { provePostgres } from "./import/postgres";
import { provePrefect } from "./import/prefect";
import { World } from "./import/world";
import { proveWrongRows } from "./import/wrong";
import { begin } from "./progress";
import { MissingTool, type Proof, report } from "./tools";

/** Parts of the proof: all, or those whose name contains a text. */
const ONLY = process.argv.includes("--only") ? (process.argv[process.argv.indexOf("--only") + 1] ?? "") : "";

const PARTS: Readonly<Record<string, (world: World) => Promise<readonly Proof[]>>> = {
  "mlflow file": proveMlflow,
  "mlflow of another version": proveOldMlflow,
  "mlflow store of files": proveFileStore,
  "prefect file": provePrefect,
  "langflow file": proveLangflow,
  postgresql: provePostgres,
  "wrong rows": proveWrongRows,
  "killed imports": proveKills,
  figures: proveFigures,
};

const world = new World();

/** What cannot be tried here is named; what ends in an error does not hold. */
async function prove(): Promise<readonly Proof[]> {
  world.begin();
  const proofs: Proof[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (!name.includes(ONLY)) continue;
    const finish = begin(name);
    try {
      proofs.push(...(await part(world)));
    } catch (error) {
      const isMissing = error instanceof MissingTool;
      const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
      proofs.push(isMissing ? { what: name, problem: null, shown: "", missing: error.message } : { what: name, problem, shown: "" });
    } finally {
      finish();
    }
  }
  return proofs;
}

void report(prove, () => world.remove());
