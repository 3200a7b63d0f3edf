import { describe, expect, it } from "vitest";
import { toMigrateJob, toSecret } from "../../constructs/kubernetes/objects";
import { local } from "../../constructs/local/target";
import { LIBPQ_QUERY } from "../../constructs/model/dead-connections";
import { SpecError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { defineTarget, type Topology } from "../../constructs/model/target";
import { SIDECAR, type Wired, wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { toy } from "../fixtures/toy";

const READER_URI = "MLFLOW_READ_REPLICA_BACKEND_STORE_URI";
const CREDENTIAL = { username: "shop_a", password: "Canary-0123456789_~." };
const WAYS: readonly Topology[] = [
  { access: "direct", tls: "verify-full", caution: null },
  { access: "direct", tls: "verify-ca", caution: null },
  { access: "sidecar", tls: "proxy", caution: null },
  { access: "proxy", tls: "proxy", caution: null },
];
const [DIRECT] = WAYS as readonly [Topology];

const registry = { ...platforms, toy: { ...toy, readerConnections: toy.connections } };

/** An environment with one instance. */
const resolveWith = (instance: object, all: object, topology = DIRECT) =>
  resolveUnknown(
    { name: "test", instances: { main: instance }, platforms: all },
    { target: defineTarget({ ...local, topology: () => topology }), platforms: registry },
  );

function refusal(instance: object, all: object): string {
  try {
    resolveWith(instance, all);
    return "accepted";
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

/** The only platform of an instance with a replica, by a way; hosts are tokens that nothing may look at. */
function wired(settings: object, topology = DIRECT, instance: object = { readReplicas: 1 }): Wired {
  const sidecar = topology.access === "sidecar" ? { name: "any", restartPolicy: "Always" } : null;
  const reach = { host: "${Token[P.1]}", port: 5432, reader: { host: "${Token[R.2]}", port: 5433 }, sidecar };
  const [its] = Object.values(wirePlatforms(resolveWith(instance, { it: settings }, topology), registry, () => reach));
  if (its === undefined) throw new TypeError("nothing was wired");
  return its;
}

const mlflow = { platform: "mlflow", readFromReplica: true };
const valuesOf = ({ wiring: { release } }: Wired) =>
  (release.kind === "helm" ? release.values : {}) as unknown as {
    readonly extraEnvVars: Readonly<Record<string, string>>;
    readonly backendStore: { readonly postgres: { readonly host: string } };
    readonly initContainers: readonly { readonly name: string; readonly command: readonly string[]; readonly env: readonly object[] }[];
  };

describe("MLflow of an instance with a read replica", () => {
  it.each(WAYS)("reads from the replica and writes to the primary by $access, $tls", (way) => {
    const values = valuesOf(wired(mlflow, way));
    const uri = `postgresql+psycopg2:///?host=\${Token[R.2]}&port=5433&${LIBPQ_QUERY}`;
    expect(values.extraEnvVars[READER_URI]).toBe(uri);
    expect(values.backendStore.postgres.host).toBe("${Token[P.1]}");
    // libpq's variables supply everything else: TLS mode, CA, login and database are the primary's.
    expect(values.extraEnvVars.PGSSLMODE).toBe(way.tls === "proxy" ? "disable" : way.tls);
    const migrate = values.initContainers.find(({ name }) => name === "migrate");
    expect(migrate?.env).toContainEqual({ name: READER_URI, value: uri });
    expect(migrate?.env).toContainEqual({ name: "PGHOST", value: "${Token[P.1]}" });
    expect(migrate?.command[2]).toContain(`os.environ["${READER_URI}"]`);
  });

  it("starts after a migration that waits for the replica, by hand, too", () => {
    expect(JSON.stringify(toMigrateJob(wired(mlflow)))).toContain("_get_schema_version(reader)");
  });

  it.each([
    ["there is none", {}, mlflow],
    ["the setting says no", { readReplicas: 2 }, { ...mlflow, readFromReplica: false }],
    ["the database exists", { readReplicas: 1, existing: { host: "db", ca: "ca.pem", masterSecret: "m.json" } }, mlflow],
  ])("is what it was if %s", (_reason, instance, settings) => {
    const its = wired(settings, DIRECT, instance);
    expect(its.connection.reader).toBeNull();
    expect(JSON.stringify(its.wiring)).not.toMatch(/replica_backend|R\.2|reader/i);
    expect(JSON.stringify(its.wiring.release)).toBe(JSON.stringify(wired(mlflow, DIRECT, {}).wiring.release));
  });

  it("reads from the primary unless told", () => {
    expect(wired({ platform: "mlflow" }).connection.reader).toBeNull();
    expect(wired(mlflow).connection.reader).toEqual({ host: "${Token[R.2]}", port: 5433 });
  });

  it.each([
    { extraArgs: { readReplicaBackendStoreUri: "postgresql://" } },
    { extraArgs: { "read-replica-backend-store-uri": "postgresql://" } },
    { extraEnvVars: { [READER_URI]: "postgresql://" } },
    { extraEnvVars: { _MLFLOW_SERVER_READ_REPLICA_BACKEND_STORE: "postgresql://" } },
  ])("takes no other replica by %o", (values) => {
    expect(refusal({}, { it: { ...mlflow, values } })).toContain("is set by the wiring; use platforms.it.readFromReplica");
  });
});

describe("an application of an instance with a read replica", () => {
  const app = { platform: "application", databases: { main: "shop", events: {} } };
  const added = ["events-read-uri", "read-host", "read-port", "read-uri"];

  it.each(WAYS)("has its address beside the primary's by $access, $tls", (way) => {
    const its = wired(app, way);
    const secret = toSecret(its, CREDENTIAL, "CA").stringData as Readonly<Record<string, string>>;
    const { uri, "read-uri": reading, "events-uri": events, "events-read-uri": readingEvents } = secret;
    // The same but for the server: login, database, TLS mode, CA.
    const moved = (text = "") => text.replace("${Token[P.1]}:5432", "${Token[R.2]}:5433");
    expect([reading, readingEvents]).toEqual([moved(uri), moved(events)]);
    expect(reading).toContain(`shop_a:${CREDENTIAL.password}@`);
    expect([secret["read-host"], secret["read-port"], secret.host, secret.port]).toEqual([
      "${Token[R.2]}",
      "5433",
      "${Token[P.1]}",
      "5432",
    ]);
    const pod = JSON.stringify(its.wiring.release);
    expect(pod).toContain('{"name":"READ_DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"it-db","key":"read-uri"}}}');
    expect(pod).toContain('"EVENTS_READ_DATABASE_URL"');
    expect(pod.includes(`"name":"${SIDECAR}"`)).toBe(way.access === "sidecar");
  });

  it("has the keys that it had, and no others without a replica", () => {
    const [with_, without] = [wired(app), wired(app, DIRECT, {})].map(({ wiring }) => Object.keys(wiring.secret));
    expect(with_?.filter((key) => !without?.includes(key)).sort()).toEqual(added);
    expect(without?.filter((key) => !with_?.includes(key))).toEqual([]);
    expect(JSON.stringify(wired(app, DIRECT, {}).wiring.release)).not.toContain("READ_DATABASE_URL");
  });

  it("may not call a database so that its key is a replica's", () => {
    const databases = { main: {}, read: {} };
    expect(refusal({}, { it: { platform: "application", databases } })).toContain(
      "platforms.it.databases.read: would write the Secret's key read-uri twice",
    );
  });
});

describe("connections to a read replica", () => {
  it("count there, and not on the primary", () => {
    const { platforms: all, instances } = resolveWith({ readReplicas: 1 }, { mlflow, prefect: {} });
    expect([all.mlflow?.peak, all.mlflow?.readerPeak, all.prefect?.readerPeak]).toEqual([34, 23, 0]);
    expect(instances.main?.tenants.mlflow?.logins[0].connectionLimit).toBe(34);
    expect(resolveWith({}, { mlflow }).platforms.mlflow).toMatchObject({ peak: 34, readerPeak: 0 });
  });

  it("grow with what opens them", () => {
    const its = resolveWith({ readReplicas: 1 }, { mlflow: { ...mlflow, workers: 4, poolSize: 5, replicas: 2 } }).platforms.mlflow;
    // 2 pods x (4 workers x 2 engines x 7 + the parent's 2 + the migration's 1).
    expect(its?.readerPeak).toBe(2 * (4 * 2 * 7 + 2 + 1));
  });

  it("are refused if the replica has too few, with what to do", () => {
    const greedy = { ...toy, readerConnections: () => toy.connections({ poolSize: 10, replicas: 3 } as never) };
    const spec = { name: "test", instances: { main: { readReplicas: 1, parameters: { max_connections: 40 } } }, platforms: { toy: {} } };
    const resolveGreedy = () => resolveUnknown(spec, { target: local, platforms: { toy: greedy } });
    expect(resolveGreedy).toThrow(
      "instances.main: max_connections of its first replica must be at least 68 (toy 60 + reserved 8), got 40; cheapest first: set instances.main.parameters.max_connections to 68",
    );
    spec.instances.main.parameters.max_connections = 68;
    const { instances } = resolveGreedy();
    // One role on both servers, each of which counts its own connections.
    expect(instances.main?.tenants.toy?.logins.map(({ connectionLimit }) => connectionLimit)).toEqual([60, 60]);
  });
});
