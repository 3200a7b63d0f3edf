import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb";
import engineMessages from "@pulumi/pulumi/proto/engine_pb";
import type providerMessages from "@pulumi/pulumi/proto/provider_pb";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { parse } from "yaml";
import { type Operations, Session, type Stack } from "./session";
import { toStruct } from "./wire";
import type { Inputs, World } from "./world";

export interface Run {
  /** Exit code of the program; of the engine's own refusal 255. */
  readonly code: number;
  readonly operations: Operations;
  readonly outputs: Inputs;
  /** What a person would see: what the program and the engine said. */
  readonly shown: string;
  /** Milliseconds that the program took. */
  readonly duration: number;
}

/** Milliseconds after which a program is ended. */
const LONGEST = 600_000;
/** A message of providers up to some version, of the monitor's own since then, with the same fields. */
const { responseType: InvokeResponse } = resourceServices.ResourceMonitorService.invoke as unknown as {
  readonly responseType: typeof providerMessages.InvokeResponse;
};
const FEATURES = ["secrets", "resourceReferences", "aliasSpecs", "deletedWith"];

/**
 * A double of Pulumi's engine: it runs the program as the engine does, by the project's `Pulumi.yaml` and with the real runner, keeps a
 * state between runs, and asks a world of stand-in providers.
 *
 * It knows no aliases, transforms or targets, and creates one resource after the other. What the engine itself does, only the
 * engine shows: `npm run proof:gcp` runs the same scenarios on it, where it is.
 */
export async function run(stack: Stack, mode: "preview" | "up"): Promise<Run> {
  const { project, main, nodeArguments, refreshes } = readProject(stack.project);
  const session = new Session(stack, project, mode === "preview");
  if (refreshes) session.refresh();
  if (session.isRefused) return toRun(session, 0, {}, 0);
  const server = new Server(session, stack.world);
  const address = await server.listen();
  const runner = require.resolve("@pulumi/pulumi/cmd/run", { paths: [stack.project] });
  const flags = ["--monitor", address, "--engine", address, "--project", project, "--stack", stack.stack, "--pwd", main.directory];
  const started = Date.now();
  const child = spawn(
    stack.node ?? process.execPath,
    [
      ...nodeArguments,
      runner,
      ...flags,
      "--root-directory",
      stack.project,
      ...(mode === "preview" ? ["--dry-run"] : []),
      "--parallel",
      "16",
      main.entry,
    ],
    {
      cwd: main.directory,
      env: { ...process.env, PULUMI_CONFIG: "{}", PULUMI_CONFIG_SECRET_KEYS: "[]" },
      stdio: ["ignore", "pipe", "pipe"],
      // A program that cannot end must not outlive who waits for it.
      timeout: LONGEST,
      killSignal: "SIGKILL",
    },
  );
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => session.show(String(data)));
  const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 1)));
  const duration = Date.now() - started;
  // As the engine: what a program that failed did not register is not what it wants gone.
  if (code === 0 && !session.isRefused) session.deleteUnregistered();
  server.stop();
  return toRun(session, code, server.outputs, duration);
}

/** Takes everything away that a state has, what depends on others first. The first refusal ends it. */
export function destroy(stack: Stack): Run {
  const { project, refreshes } = readProject(stack.project);
  const session = new Session(stack, project, false);
  if (refreshes) session.refresh();
  if (!session.isRefused) session.deleteUnregistered();
  return toRun(session, 0, {}, 0);
}

function toRun(session: Session, code: number, outputs: Inputs, duration: number): Run {
  session.end();
  return { code: session.isRefused ? 255 : code, operations: session.operations, outputs, shown: session.shown, duration };
}

/** What the engine makes of `Pulumi.yaml`: with a folder as `main` the runner gets none of its files. */
export function readProject(root: string) {
  const {
    name,
    main = ".",
    runtime,
    options,
  } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as {
    readonly name: string;
    readonly main?: string;
    readonly runtime: { readonly options: { readonly nodeargs: string; readonly typescript: boolean } };
    readonly options?: { readonly refresh?: string };
  };
  const path = join(root, main);
  const isFolder = statSync(path).isDirectory();
  if (runtime.options.typescript) throw new TypeError("this double does not compile TypeScript");
  return {
    project: name,
    main: isFolder ? { directory: path, entry: "." } : { directory: dirname(path), entry: basename(path) },
    refreshes: options?.refresh === "always",
    nodeArguments: runtime.options.nodeargs.split(/\s+/),
  };
}

/** What a program talks to: the engine's services, with a session behind them. */
class Server {
  outputs: Inputs = {};
  private rootUrn = "";
  private readonly server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });

  constructor(
    private readonly session: Session,
    private readonly world: World,
  ) {}

  listen(): Promise<string> {
    this.server.addService(resourceServices.ResourceMonitorService as unknown as grpc.ServiceDefinition, this.monitor());
    this.server.addService(engineServices.EngineService as unknown as grpc.ServiceDefinition, this.engine());
    return new Promise((resolve, reject) => {
      const bound = (error: Error | null, port: number) => (error === null ? resolve(`127.0.0.1:${port}`) : reject(error));
      this.server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), bound);
    });
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private monitor(): grpc.UntypedServiceImplementation {
    const empty = unary(() => new Empty());
    return {
      getDeploymentInfo: unary(() => new resourceMessages.DeploymentInfo()),
      supportsFeature: unary((request: { getId(): string }) => {
        const response = new resourceMessages.SupportsFeatureResponse();
        response.setHassupport(FEATURES.includes(request.getId()));
        return response;
      }),
      invoke: unary((request: { getTok(): string; getArgs(): Struct }) => {
        const response = new InvokeResponse();
        response.setReturn(toStruct({ ...request.getArgs().toJavaScript(), ...this.world.answer(request.getTok()) }));
        return response;
      }),
      registerResource: unary((request: InstanceType<typeof resourceMessages.RegisterResourceRequest>) => {
        try {
          return this.session.register(request);
        } catch (error) {
          this.session.refuse((error as Error).message);
          // As the engine ends a program at the first fault.
          throw Object.assign(new Error("resource monitor shut down"), { code: grpc.status.UNAVAILABLE });
        }
      }),
      registerResourceOutputs: unary((request: { getUrn(): string; getOutputs(): Struct }) => {
        if (request.getUrn().includes("::pulumi:pulumi:Stack::")) this.outputs = request.getOutputs().toJavaScript();
        return new Empty();
      }),
      registerPackage: unary(() => new resourceMessages.RegisterPackageResponse()),
      ...Object.fromEntries(
        [
          "call",
          "readResource",
          "registerStackTransform",
          "registerStackInvokeTransform",
          "registerResourceHook",
          "registerErrorHook",
          "signalAndWaitForShutdown",
        ].map((method) => [method, empty]),
      ),
    };
  }

  private engine(): grpc.UntypedServiceImplementation {
    return {
      log: unary((request: { getSeverity(): number; getMessage(): string }) => {
        const severity = ["debug", "info", "warning", "error"][request.getSeverity()] ?? "";
        if (severity !== "debug") this.session.show(`${severity}: ${request.getMessage()}\n`);
        return new Empty();
      }),
      getRootResource: unary(() => {
        const response = new engineMessages.GetRootResourceResponse();
        response.setUrn(this.rootUrn);
        return response;
      }),
      setRootResource: unary((request: { getUrn(): string }) => {
        this.rootUrn = request.getUrn();
        return new engineMessages.SetRootResourceResponse();
      }),
      startDebugging: unary(() => new Empty()),
      requirePulumiVersion: unary(() => new engineMessages.RequirePulumiVersionResponse()),
    };
  }
}

/** A call with one answer. What is thrown is told to the program. */
function unary<Q, A>(respond: (request: Q) => A): grpc.handleUnaryCall<Q, A> {
  return (call, callback) => {
    try {
      callback(null, respond(call.request));
    } catch (error) {
      const { code = grpc.status.UNKNOWN, message } = error as { readonly code?: number; readonly message: string };
      callback({ code, details: message });
    }
  };
}
