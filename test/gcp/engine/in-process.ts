import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import providerMessages from "@pulumi/pulumi/proto/provider_pb";
import type resourceMessages from "@pulumi/pulumi/proto/resource_pb";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { DeploymentPlan } from "../../../infra/cloud";
import { deploy } from "../../../infra/gcp/deploy";
import { planGcp } from "../../../infra/gcp/plan";
import type { NamedSpec } from "../../../infra/spec";
import { resolveGcp } from "../../fixtures/gcp";
import { readProject } from "./double";
import { toOutcome } from "./double-engine";
import type { Outcome } from "./scenarios";
import { type Kept, readState, Session, writeState } from "./session";
import { toStruct } from "./wire";
import { type Inputs, inMemory, World } from "./world";

type Request = InstanceType<typeof resourceMessages.RegisterResourceRequest>;
type Callback = (error: unknown, response?: unknown) => void;
interface Monitor {
  registerResource(request: Request, callback: Callback): void;
  registerResourceOutputs(request: unknown, callback: Callback): void;
  invoke(request: { getTok(): string; getArgs(): Struct }, callback: Callback): void;
}

interface UpOptions {
  /** As a world's. */
  readonly faults?: Readonly<Record<string, string>>;
  readonly refresh?: boolean;
}

const { project: PROJECT_NAME, refreshes: REFRESHES } = readProject(join(__dirname, "..", "..", ".."));

/** Parts of Pulumi's runtime that are not exported, which is why its version is pinned. */
const runtime = () => ({
  ...(require("@pulumi/pulumi/runtime/state") as { withLocalStorage<T>(run: () => Promise<T>): Promise<T> }),
  ...(require("@pulumi/pulumi/runtime/settings") as { getMonitor(): Monitor; waitForRPCs(): Promise<void> }),
});

/**
 * The double of Pulumi's engine with the program in this process, for what takes many runs: it proves nothing of the runner, which the
 * scenarios do.
 */
export class InProcessEngine {
  readonly world = new World(inMemory());
  readonly state: string;

  /** @param directory of its own, in which its state is kept. */
  constructor(
    directory: string,
    private readonly stack: string,
  ) {
    this.state = `${directory}/state.json`;
  }

  /** @param refresh what `--refresh=false` turns off; otherwise what `Pulumi.yaml` says. */
  async up(spec: NamedSpec, { faults = {}, refresh = REFRESHES }: UpOptions = {}): Promise<Outcome> {
    const session = this.begin(faults, false, refresh);
    if (!session.isRefused) await runProgram(session, this.world, this.stack, spec, false);
    if (!session.isRefused) session.deleteUnregistered();
    return end(session);
  }

  async preview(spec: NamedSpec): Promise<Outcome> {
    const session = this.begin({}, true, REFRESHES);
    await runProgram(session, this.world, this.stack, spec, true);
    if (!session.isRefused) session.deleteUnregistered();
    return end(session);
  }

  async destroy(): Promise<Outcome> {
    const session = this.begin({}, false, REFRESHES);
    session.deleteUnregistered();
    return end(session);
  }

  /** What `npm run plan -- --against state.json` says. */
  plan(spec: NamedSpec): Promise<DeploymentPlan> {
    return planGcp(resolveGcp(spec), readState(this).length === 0 ? null : this.state);
  }

  /** `pulumi state unprotect URN`. */
  unprotect(urn: string): void {
    writeState(
      this,
      readState(this).map((each): Kept => (each.urn === urn ? { ...each, protect: false } : each)),
    );
  }

  private begin(faults: Readonly<Record<string, string>>, isPreview: boolean, refresh: boolean): Session {
    const world = this.world.withFaults(faults);
    const session = new Session({ stack: this.stack, state: this.state, world }, PROJECT_NAME, isPreview);
    if (refresh) session.refresh();
    return session;
  }
}

function end(session: Session): Outcome {
  session.end();
  return toOutcome({ code: session.isRefused ? 255 : 0, operations: session.operations, outputs: {}, shown: session.shown, duration: 0 });
}

async function runProgram(session: Session, world: World, stack: string, spec: NamedSpec, isPreview: boolean): Promise<void> {
  const environment = resolveGcp(spec);
  const limit = Error.stackTraceLimit;
  // Pulumi notes a stack for every promise: without it a run takes a fifth of the time.
  Error.stackTraceLimit = 0;
  const { withLocalStorage, getMonitor, waitForRPCs } = runtime();
  try {
    await withLocalStorage(async () => {
      const nothing = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
      await pulumi.runtime.setMocks(nothing, PROJECT_NAME, stack, isPreview);
      Object.assign(getMonitor(), monitorOf(session, world));
      await pulumi.runtime.runInPulumiStack(async () => deploy(environment));
      await waitForRPCs();
    });
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** In the place of the mocks' own. After a refusal nothing is made, and the program ends by itself. */
function monitorOf(session: Session, world: World): Monitor {
  return {
    registerResource: (request, callback) => {
      try {
        if (!session.isRefused) return callback(null, session.register(request));
      } catch (error) {
        session.refuse((error as Error).message);
      }
      callback(null, session.pretend(request));
    },
    registerResourceOutputs: (_request, callback) => callback(null, {}),
    invoke: (request, callback) => {
      const given = request.getArgs().toJavaScript() as Inputs;
      const response = new providerMessages.InvokeResponse();
      response.setReturn(toStruct({ ...given, ...world.answer(request.getTok()) }));
      callback(null, response);
    },
  };
}
