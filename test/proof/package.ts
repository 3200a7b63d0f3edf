import "../../infra/docs/script";

import { rmSync } from "node:fs";
import { proveContents } from "./package/contents";
import { proveExamples } from "./package/examples";
import { proveLibrary } from "./package/library";
import { stopAll } from "./package/mlflow";
import { proveProjects } from "./package/projects";
import { measure } from "./package/sizes";
import { forgetExecuted, temporary } from "./package/user";
import { type Proof, report } from "./tools";

/** MB and seconds, as a table. */
let sizes = "";

async function prove(): Promise<readonly Proof[]> {
  const proofs = [...proveContents(), ...(await proveProjects()), ...(await proveExamples()), ...proveLibrary()];
  sizes = measure();
  return proofs;
}

async function cleanUp(): Promise<void> {
  if (sizes !== "") process.stdout.write(`${sizes}\n`);
  await stopAll();
  forgetExecuted();
  rmSync(temporary, { recursive: true, force: true });
}

// Otherwise an interruption would end this before it has cleaned up.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => undefined);

void report(prove, cleanUp);
