import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb";
import engineMessages from "@pulumi/pulumi/proto/engine_pb";
import providerMessages from "@pulumi/pulumi/proto/provider_pb";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb";
import resourceMessages from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { parse } from "yaml";
import { answer, type Inputs, UNKNOWN, type World } from "./world";

/** A resource, as a state keeps it between runs. */
export interface Kept {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id: string;
  /** Secrets are only marked as such. */
  readonly inputs: Inputs;
  readonly outputs: Inputs;
  readonly parent: string;
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
}

export type Operation = "create" | "update" | "replace" | "same" | "delete" | "discard";

export interface Run {
  /** Exit code of the program; of the engine's own refusal 255. */
  readonly code: number;
  readonly operations: readonly { readonly op: Operation; readonly urn: string }[];
  readonly outputs: Inputs;
  /** What a person would see: what the program and the engine said. */
  readonly shown: string;
  /** Milliseconds that the program took. */
  readonly duration: number;
}

export interface Stack {
  /** Folder with `Pulumi.yaml`. */
  readonly project: string;
  readonly stack: string;
  /** File with the state, as `pulumi stack export` writes it. */
  readonly state: string;
  readonly world: World;
  /** Node.js to run the program with. */
  readonly node?: string;
}

/** How Pulumi marks values on the wire. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
/** Milliseconds after which a program is ended. */
const LONGEST = 60_000;
const FEATURES = ["secrets", "resourceReferences", "aliasSpecs", "deletedWith"];

/**
 * A double of Pulumi's engine: it runs the program as the engine does, by the project's `Pulumi.yaml` and with the real runner, keeps a
 * state between runs, and asks a world of stand-in providers.
 *
 * It knows no aliases, transforms, targets or refresh, and creates one resource after the other. What the engine itself does, only the
 * engine shows: `npm run proof:gcp` runs the same scenarios on it, where it is.
 */
export async function run(stack: Stack, mode: "preview" | "up"): Promise<Run> {
  const session = new Session(stack, mode === "preview");
  const address = await session.listen();
  const { project, main, nodeArguments } = readProject(stack.project);
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
  return session.end(code, duration);
}

/** Takes everything away that a state has, what depends on others first. The first refusal ends it. */
export function destroy(stack: Stack): Run {
  const session = new Session(stack, false);
  session.deleteUnregistered();
  return session.end(0, 0);
}

export const readStateText = ({ state }: Stack): string => (existsSync(state) ? readFileSync(state, "utf8") : "");

function readState(stack: Stack): readonly Kept[] {
  const text = readStateText(stack);
  return text === "" ? [] : (JSON.parse(text) as { readonly deployment: { readonly resources: readonly Kept[] } }).deployment.resources;
}

function writeState({ state }: Stack, resources: readonly Kept[]): void {
  writeFileSync(state, JSON.stringify({ version: 3, deployment: { resources } }));
}

/** What the engine makes of `Pulumi.yaml`: with a folder as `main` the runner gets none of its files. */
function readProject(root: string) {
  const {
    name,
    main = ".",
    runtime,
  } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as {
    readonly name: string;
    readonly main?: string;
    readonly runtime: { readonly options: { readonly nodeargs: string; readonly typescript: boolean } };
  };
  const path = join(root, main);
  const isFolder = statSync(path).isDirectory();
  if (runtime.options.typescript) throw new TypeError("this double does not compile TypeScript");
  return {
    project: name,
    main: isFolder ? { directory: path, entry: "." } : { directory: dirname(path), entry: basename(path) },
    nodeArguments: runtime.options.nodeargs.split(/\s+/),
  };
}

/** One run: what it was told, and what it did. */
class Session {
  private readonly server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  private readonly kept: Map<string, Kept>;
  private readonly registered = new Set<string>();
  private readonly operations: { readonly op: Operation; readonly urn: string }[] = [];
  private shown = "";
  private outputs: Inputs = {};
  private rootUrn = "";
  private refusals = 0;

  constructor(
    private readonly stack: Stack,
    private readonly isPreview: boolean,
  ) {
    this.kept = new Map(readState(stack).map((each) => [each.urn, each]));
  }

  get isRefused(): boolean {
    return this.refusals > 0;
  }

  show(text: string): void {
    this.shown += text;
  }

  end(code: number, duration: number): Run {
    this.server.forceShutdown();
    if (!this.isPreview) writeState(this.stack, [...this.kept.values()]);
    const exit = this.refusals > 0 ? 255 : code;
    return { code: exit, operations: this.operations, outputs: this.outputs, shown: this.shown, duration };
  }

  listen(): Promise<string> {
    this.server.addService(resourceServices.ResourceMonitorService as unknown as grpc.ServiceDefinition, this.monitor());
    this.server.addService(engineServices.EngineService as unknown as grpc.ServiceDefinition, this.engine());
    return new Promise((resolve, reject) => {
      const bound = (error: Error | null, port: number) => (error === null ? resolve(`127.0.0.1:${port}`) : reject(error));
      this.server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), bound);
    });
  }

  /** Deletes what the program has not registered, in an order in which nothing loses what it depends on. */
  deleteUnregistered(): void {
    for (const each of inOrderOfDeletion([...this.kept.values()].filter(({ urn }) => !this.registered.has(urn)))) {
      if (each.protect) {
        this.refuse(`resource "${each.urn}" cannot be deleted because it is protected`);
        return;
      }
      const isKept = !each.custom || each.type.startsWith("pulumi:") || each.retainOnDelete;
      try {
        if (!this.isPreview && !isKept) this.stack.world.delete(each.urn, each.id);
      } catch (error) {
        this.refuse(`deleting ${each.urn}: ${(error as Error).message}`);
        return;
      }
      this.kept.delete(each.urn);
      this.operations.push({ op: isKept ? "discard" : "delete", urn: each.urn });
    }
  }

  private refuse(message: string): void {
    this.refusals += 1;
    this.show(`error: ${message}\n`);
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
        const response = new providerMessages.InvokeResponse();
        response.setReturn(toStruct({ ...request.getArgs().toJavaScript(), ...answer(request.getTok()) }));
        return response;
      }),
      registerResource: unary((request: InstanceType<typeof resourceMessages.RegisterResourceRequest>) => {
        try {
          return this.register(request);
        } catch (error) {
          this.refuse((error as Error).message);
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
        if (severity !== "debug") this.show(`${severity}: ${request.getMessage()}\n`);
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

  private register(request: InstanceType<typeof resourceMessages.RegisterResourceRequest>) {
    const { project } = readProject(this.stack.project);
    const [parentType = ""] = request.getParent() === "" ? [] : [request.getParent().split("::")[2]];
    const isTop = parentType === "" || parentType === "pulumi:pulumi:Stack";
    const type = isTop ? request.getType() : `${parentType}$${request.getType()}`;
    const urn = `urn:pulumi:${this.stack.stack}::${project}::${type}::${request.getName()}`;
    if (this.registered.has(urn)) throw new Error(`Duplicate resource URN '${urn}'; try giving it a unique name`);
    this.registered.add(urn);
    const written = (request.getObject()?.toJavaScript() ?? {}) as Inputs;
    const secret = [...secretKeys(written), ...request.getAdditionalsecretoutputsList()];
    const resource = { urn, type: request.getType(), custom: request.getCustom(), secret, written: plain(written) as Inputs };
    const made =
      resource.custom && !resource.type.startsWith("pulumi:")
        ? this.make(resource, request)
        : { id: resource.custom ? "own" : "", outputs: resource.written };
    if (made === null) throw new Error(`${urn} was refused`);
    // Kept in the order of creation, which is one that dependencies allow.
    const old = this.kept.get(urn);
    const kept: Kept = {
      urn,
      type: resource.type,
      custom: resource.custom,
      id: made.id,
      inputs: hide("inputs" in made ? made.inputs : resource.written, secret),
      outputs: hide(made.outputs, secret),
      parent: request.getParent(),
      dependencies: request.getDependenciesList(),
      protect: request.getProtect() ?? false,
      retainOnDelete: request.getRetainondelete() ?? false,
    };
    if (old === undefined && !("inputs" in made)) this.operations.push({ op: "create", urn });
    if (!this.isPreview) this.kept.set(urn, kept);
    const response = new resourceMessages.RegisterResourceResponse();
    response.setUrn(urn);
    response.setId(made.id);
    response.setObject(toStruct(mark(made.outputs, secret)));
    return response;
  }

  /** What the engine and a provider do with a resource of a provider: check, compare, and create, update or replace. */
  private make(
    { urn, secret, written }: { readonly urn: string; readonly secret: readonly string[]; readonly written: Inputs },
    request: InstanceType<typeof resourceMessages.RegisterResourceRequest>,
  ): { readonly id: string; readonly inputs: Inputs; readonly outputs: Inputs } {
    const { world } = this.stack;
    const old = this.kept.get(urn);
    const { inputs, failures } = world.check(urn, old?.inputs ?? null, written);
    if (failures.length > 0) throw new Error(`${urn}: ${failures.map(([property, why]) => `${property}: ${why}`).join("; ")}`);
    const note = (op: Operation) => this.operations.push({ op, urn });
    if (old === undefined) {
      note("create");
      if (this.isPreview) return { id: "", inputs, outputs: inputs };
      return { ...world.create(urn, inputs), inputs };
    }
    const ignored = request.getIgnorechangesList();
    const { changed, replaces } = world.diff(urn, old.inputs, hide(inputs, secret), ignored);
    if (changed.length === 0) {
      note("same");
      return { id: old.id, inputs, outputs: { ...world.things[`${urn} ${old.id}`] } };
    }
    if (replaces.length > 0) {
      if (old.protect) throw new Error(`unable to replace resource "${urn}" as it is currently marked for protection`);
      note("replace");
      if (this.isPreview) return { id: "", inputs, outputs: inputs };
      // A name that is written is free only when the one before is gone.
      world.delete(urn, old.id);
      return { ...world.create(urn, inputs), inputs };
    }
    note("update");
    return { id: old.id, inputs, outputs: this.isPreview ? inputs : world.update(urn, old.id, inputs) };
  }
}

/** What nothing else needs comes first. */
function inOrderOfDeletion(gone: readonly Kept[]): readonly Kept[] {
  const ordered: Kept[] = [];
  let left = [...gone];
  while (left.length > 0) {
    const needed = new Set(left.flatMap(({ parent, dependencies }) => [parent, ...dependencies]));
    const free = left.filter(({ urn }) => !needed.has(urn));
    if (free.length === 0) throw new TypeError("resources depend on each other");
    ordered.push(...free);
    left = left.filter((each) => !free.includes(each));
  }
  return ordered;
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

const toStruct = (value: Inputs): Struct => Struct.fromJavaScript(value as { [key: string]: JavaScriptValue });

const isSecret = (value: unknown): value is { readonly value: unknown } =>
  typeof value === "object" && value !== null && (value as Inputs)[SIGNATURE] === SECRET;

/** Top-level properties that hold a secret somewhere. */
const secretKeys = (inputs: Inputs): readonly string[] => Object.keys(inputs).filter((key) => holdsSecret(inputs[key]));
const holdsSecret = (value: unknown): boolean =>
  isSecret(value) || (typeof value === "object" && value !== null && Object.values(value).some(holdsSecret));

/** Without marks, and as JSON has it. */
function plain(value: unknown): unknown {
  if (isSecret(value)) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (SIGNATURE in value) return UNKNOWN;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

const mark = (outputs: Inputs, keys: readonly string[]): Inputs =>
  Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [key, keys.includes(key) ? { [SIGNATURE]: SECRET, value: value ?? null } : value]),
  );

/** In place of the engine's encryption: what is marked does not reach the file. */
const hide = (values: Inputs, keys: readonly string[]): Inputs =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, keys.includes(key) ? { [SIGNATURE]: SECRET } : value]));
