import * as grpc from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb";
import providerServices from "@pulumi/pulumi/proto/provider_grpc_pb";
import messages from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { diffConfig } from "./cluster-provider";
import { pick, toStruct } from "./wire";
import { type Inputs, inFiles, World } from "./world";

/*
 * A stand-in provider as a process of its own, for Pulumi's real engine: `provider.ts <package> <version>`. Its world is the file that
 * WORLD names; what FAULTS holds, by type, fails.
 */

const [name = "", version = ""] = process.argv.slice(2);
const world = new World(inFiles(process.env.WORLD ?? ""), JSON.parse(process.env.FAULTS ?? "{}") as Record<string, string>);

const fromStruct = (struct: Struct | undefined): Inputs => struct?.toJavaScript() ?? {};

/** A call with one answer. */
const unary =
  <Q, A>(respond: (request: Q) => A): grpc.handleUnaryCall<Q, A> =>
  (call, callback) => {
    try {
      callback(null, respond(call.request));
    } catch (error) {
      callback({ code: grpc.status.UNKNOWN, details: (error as Error).message });
    }
  };

function check(request: InstanceType<typeof messages.CheckRequest>) {
  const response = new messages.CheckResponse();
  const olds = fromStruct(request.getOlds());
  const { inputs, failures } = world.check(request.getUrn(), Object.keys(olds).length === 0 ? null : olds, fromStruct(request.getNews()));
  response.setInputs(toStruct(inputs));
  response.setFailuresList(
    failures.map(([property, reason]) => {
      const failure = new messages.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      return failure;
    }),
  );
  return response;
}

function diff(request: InstanceType<typeof messages.DiffRequest>) {
  const response = new messages.DiffResponse();
  const old = fromStruct(request.getOldInputs() ?? request.getOlds());
  const { changed, replaces } = world.diff(request.getUrn(), old, fromStruct(request.getNews()), request.getIgnorechangesList());
  response.setChanges(changed.length > 0 ? messages.DiffResponse.DiffChanges.DIFF_SOME : messages.DiffResponse.DiffChanges.DIFF_NONE);
  response.setDiffsList([...changed]);
  response.setReplacesList([...replaces]);
  response.setDeletebeforereplace(true);
  return response;
}

function create(request: InstanceType<typeof messages.CreateRequest>) {
  const response = new messages.CreateResponse();
  const inputs = fromStruct(request.getProperties());
  const made = request.getPreview() ? { id: "", outputs: inputs } : world.create(request.getUrn(), inputs);
  response.setId(made.id);
  response.setProperties(toStruct(made.outputs));
  return response;
}

function update(request: InstanceType<typeof messages.UpdateRequest>) {
  const response = new messages.UpdateResponse();
  const inputs = fromStruct(request.getNews());
  const outputs = request.getPreview()
    ? { ...fromStruct(request.getOlds()), ...inputs }
    : world.update(request.getUrn(), request.getId(), inputs, fromStruct(request.getOlds()));
  response.setProperties(toStruct(outputs));
  return response;
}

const implementation: grpc.UntypedServiceImplementation = {
  handshake: unary(() => new messages.ProviderHandshakeResponse()),
  getPluginInfo: unary(() => {
    const response = new pluginMessages.PluginInfo();
    response.setVersion(version);
    return response;
  }),
  getSchema: unary(() => {
    const response = new messages.GetSchemaResponse();
    response.setSchema(JSON.stringify({ name, version, resources: {} }));
    return response;
  }),
  checkConfig: unary((request: InstanceType<typeof messages.CheckRequest>) => {
    const response = new messages.CheckResponse();
    response.setInputs(request.getNews());
    return response;
  }),
  diffConfig: unary((request: InstanceType<typeof messages.DiffRequest>) => {
    const [old, next] = [fromStruct(request.getOlds()), fromStruct(request.getNews())];
    const response = new messages.DiffResponse();
    const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
    response.setChanges(JSON.stringify(old) === JSON.stringify(next) ? DIFF_NONE : DIFF_SOME);
    response.setReplacesList(name === "kubernetes" ? [...diffConfig(old, next)] : []);
    return response;
  }),
  configure: unary(() => {
    const response = new messages.ConfigureResponse();
    // Without it an engine does not ask what a preview would make.
    response.setSupportspreview(true);
    return response;
  }),
  invoke: unary((request: { getTok(): string; getArgs(): Struct }) => {
    const response = new messages.InvokeResponse();
    response.setReturn(toStruct({ ...fromStruct(request.getArgs()), ...world.answer(request.getTok()) }));
    return response;
  }),
  check: unary(check),
  diff: unary(diff),
  create: unary(create),
  update: unary(update),
  read: unary((request: InstanceType<typeof messages.ReadRequest>) => {
    const found = world.things[`${request.getUrn()} ${request.getId()}`];
    const response = new messages.ReadResponse();
    // Without an id it is gone.
    if (found === undefined) return response;
    response.setId(request.getId());
    response.setProperties(toStruct(found));
    response.setInputs(toStruct(pick(fromStruct(request.getInputs()), found)));
    return response;
  }),
  delete: unary((request: InstanceType<typeof messages.DeleteRequest>) => {
    world.delete(request.getUrn(), request.getId());
    return new Empty();
  }),
  cancel: unary(() => new Empty()),
  attach: unary(() => new Empty()),
  getMapping: unary(() => new messages.GetMappingResponse()),
  getMappings: unary(() => new messages.GetMappingsResponse()),
};

const service = providerServices.ResourceProviderService as unknown as grpc.ServiceDefinition;
const missing = unary((): never => {
  throw new Error("this stand-in does not do that");
});
const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
server.addService(service, Object.fromEntries(Object.keys(service).map((method) => [method, implementation[method] ?? missing])));
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`);
});
