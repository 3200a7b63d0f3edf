import { Provider as GoogleProvider } from "@pulumi/gcp/provider";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { PostgresEnvironment, type PostgresEnvironmentArgs } from "../../../constructs/gcp/environment";
import type { TeamRule } from "../../../constructs/model/team-rule";
import { CALLS, type Program, type Registration, register } from "../../../infra/gcp/registrations";
import { pulumiProject } from "../../../infra/gcp/stored";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, existingGcp, fullGcp, minimalGcp, SECTION, withGcp } from "../../fixtures/gcp";
import { doubleOutputs, ofType, one, registrationsOf } from "../../fixtures/registrations";

const spec = {
  name: "team",
  gcp: { ...SECTION, cluster: CLUSTER },
  instances: { main: {} },
  platforms: { mlflow: {} },
} as const;

const args = (its: unknown): PostgresEnvironmentArgs<typeof spec> => ({ spec: its as typeof spec });
const made = (its: unknown = spec, opts?: pulumi.ComponentResourceOptions) => new PostgresEnvironment("postgres", args(its), opts);
const run = (program: () => object, change: Partial<Program> = {}) =>
  register({ project: pulumiProject(), stack: "team", preview: false, outputs: doubleOutputs, calls: CALLS, ...change }, program);

/** What is registered, as this project's own program would: without the component, and with providers that are called for the stack. */
function asDeployed(resources: readonly Registration[], environment: string, stack: string): readonly unknown[] {
  const component = resources.find(({ type }) => type === "platform-postgres:gcp:PostgresEnvironment");
  const text = JSON.stringify(resources.filter((each) => each !== component))
    .replaceAll(`"${component?.urn}"`, `"urn:pulumi:${stack}::${pulumiProject()}::pulumi:pulumi:Stack::${pulumiProject()}-${stack}"`)
    .replaceAll("platform-postgres:gcp:PostgresEnvironment$", "")
    .replaceAll(`platform-postgres:${environment}:`, "platform-postgres:infra:")
    .replaceAll(new RegExp(`${environment}-(google|random|cluster)\\b`, "g"), "$1");
  return sorted(JSON.parse(text) as readonly Registration[]);
}
const sorted = (resources: readonly Registration[]) =>
  resources.map((each) => ({ ...each, dependsOn: [...each.dependsOn].sort() })).sort((a, b) => (a.urn < b.urn ? -1 : 1));

/** Names of the providers that resources of a package are registered with. */
const providersOf = (resources: readonly Registration[], name: string): readonly string[] => [
  ...new Set(
    resources.filter(({ custom, type }) => custom && type.startsWith(`${name}:`)).map(({ provider }) => provider.split("::").at(-2) ?? ""),
  ),
];
const createdProviders = (resources: readonly Registration[]) =>
  resources.filter(({ type }) => type.startsWith("pulumi:providers:")).map(({ name }) => name);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an environment as a component", () => {
  it.each([minimalGcp, fullGcp, existingGcp, withGcp(minimalGcp, { cluster: null })])(
    "registers what this project's own program does, but for its parent: $name, %#",
    async (each: NamedSpec) => {
      vi.spyOn(pulumi.log, "warn").mockResolvedValue();
      const own = await run(() => made(each), { stack: each.name });
      const { resources } = await registrationsOf(each);
      expect(asDeployed(own.resources, each.name, each.name)).toEqual(sorted(resources));
      expect(own.resources.flatMap(({ type, urn }) => (urn.includes(":PostgresEnvironment") ? [] : [type]))).toEqual([
        "pulumi:pulumi:Stack",
      ]);
    },
  );

  it("has outputs that the commands read", async () => {
    const { outputs } = await run(() => made().outputs);
    const { next, ...ours } = (await registrationsOf(spec as unknown as NamedSpec)).outputs;
    expect(next).toContain("render");
    expect(outputs).toEqual(ours);
  });

  it("gives a program its servers and platforms", async () => {
    const { outputs } = await run(() => {
      const { instances, platforms, environment } = made();
      const { host, port, ca, connectionName } = instances.main ?? {};
      const { secret, wired, ready = [] } = platforms.mlflow ?? {};
      return {
        names: [environment.name, ...Object.keys(instances), ...Object.keys(platforms)],
        server: { host, port, ca, connectionName },
        platform: { secret, chart: wired?.wiring.release.kind === "helm" ? wired.wiring.release.chart : null, waits: ready.length > 0 },
      };
    });
    expect(outputs).toEqual({
      names: ["team", "main", "mlflow"],
      server: {
        host: "main.team.postgres.internal",
        port: 5432,
        ca: expect.stringContaining("BEGIN CERTIFICATE"),
        connectionName: "my-project:europe-west4:team-main-1a2b3c4",
      },
      platform: { secret: "projects/my-project/secrets/team--mlflow", chart: "mlflow", waits: true },
    });
  });

  it("stands beside other environments in one program", async () => {
    const { resources } = await run(() => [made(), new PostgresEnvironment("other", args({ ...spec, name: "other" }))]);
    expect(ofType({ resources, outputs: {} }, "DatabaseInstance").map(({ name }) => name)).toEqual(["other-main", "team-main"]);
    expect(new Set(resources.map(({ urn }) => urn)).size).toBe(resources.length);
  });

  it("keeps its resources' URNs when it is renamed", async () => {
    const urns = async (name: string) => {
      const { resources } = await run(() => new PostgresEnvironment(name, args(spec)));
      return resources.map(({ urn }) => urn).filter((urn) => !urn.endsWith(`:PostgresEnvironment::${name}`));
    };
    expect(await urns("databases")).toEqual(await urns("postgres"));
  });
});

describe("a component's providers", () => {
  it("are its own where the program gives none: one of each, for the spec's project and cluster", async () => {
    const { resources } = await run(() => made());
    expect(createdProviders(resources).sort()).toEqual(["team-cluster", "team-google", "team-random"]);
    expect(["gcp", "kubernetes", "random"].map((name) => providersOf(resources, name))).toEqual([
      ["team-google"],
      ["team-cluster"],
      ["team-random"],
    ]);
    expect(one({ resources, outputs: {} }, "gcp").inputs).toMatchObject({ project: "my-project", region: "europe-west4" });
  });

  it("are the program's, of the packages that it gives one of", async () => {
    const { resources } = await run(() => made(spec, { provider: new GoogleProvider("mine", {}) }));
    expect(providersOf(resources, "gcp")).toEqual(["mine"]);
    expect(createdProviders(resources).sort()).toEqual(["mine", "team-cluster", "team-random"]);
  });

  it.each([
    ["as a list", (providers: pulumi.ProviderResource[]) => ({ providers })],
    [
      "as those of a parent",
      (providers: pulumi.ProviderResource[]) => ({
        parent: new pulumi.ComponentResource("my:own:Platform", "platform", {}, { providers }),
      }),
    ],
  ])("are the program's for Google Cloud and Kubernetes, %s", async (_how, given) => {
    const providers = () => [new GoogleProvider("mine", {}), new KubernetesProvider("my-cluster", {})];
    const { resources } = await run(() => made(spec, given(providers())));
    expect([providersOf(resources, "gcp"), providersOf(resources, "kubernetes")]).toEqual([["mine"], ["my-cluster"]]);
    expect(createdProviders(resources).sort()).toEqual(["mine", "my-cluster", "team-random"]);
  });
});

describe("a mistake in a component's spec", () => {
  const wrong = { ...spec, instances: { main: { storageGib: 5, backupRetentionDays: 9999 } } };
  const placeholder = { ...spec, gcp: { ...spec.gcp, network: { example: "ml" } } };

  it("is reported with all others, before anything is registered, and Pulumi's runner shows no stack of it", async () => {
    let error: unknown;
    const { resources } = await run(() => {
      try {
        return made(wrong);
      } catch (thrown) {
        error = thrown;
        return {};
      }
    });
    expect((error as Error).message).toMatch(/^invalid spec:\n.*storageGib: .*\n.*backupRetentionDays: .*$/);
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    expect(resources.map(({ type }) => type)).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("may be against a rule of the team", async () => {
    const rule: TeamRule = {
      id: "team-has-an-owner",
      source: "https://example.com/rules",
      why: "nobody would answer for it",
      date: "2026-11-30",
      severity: "error",
      check: ({ owner }) => (owner === null ? [{ path: "owner", rule: "must be set", got: null, remedy: "write the team's name" }] : []),
      passing: { owner: "ml" },
      failing: {},
    };
    const program = () => new PostgresEnvironment("postgres", { ...args(spec), rules: [rule] });
    await expect(run(program)).rejects.toThrow("owner: must be set; write the team's name [team-has-an-owner]");
  });

  it("is a placeholder ID: a preview warns of it, and a deployment refuses it", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const message = "team has placeholder IDs; replace them before you deploy: gcp.network";
    await run(() => made(placeholder), { preview: true });
    expect(warn.mock.calls.map(([text]) => text)).toContain(message);
    await expect(run(() => made(placeholder))).rejects.toThrow(message);
  });

  it("is refused by the compiler where a key is misspelt", () => {
    // @ts-expect-error: there is no such setting.
    const misspelt = () => new PostgresEnvironment("postgres", { spec: { ...spec, instances: { main: { storageGb: 50 } } } });
    expect(misspelt).toThrow('instances.main.storageGb: unknown key; did you mean "storageGib"?');
  });
});

describe("the example of a program", () => {
  it("makes a database for MLflow, and MLflow, with its own provider", async () => {
    const { resources, outputs } = await run(() => import("../../../examples/gcp-program/index.js"));
    expect(outputs).toEqual({ host: "main.team.postgres.internal", secret: "projects/my-project/secrets/team--mlflow" });
    expect(providersOf(resources, "gcp")).toEqual(["google"]);
    expect(one({ resources, outputs }, "Release", /^mlflow$/).inputs).toMatchObject({ chart: "mlflow" });
    expect(one({ resources, outputs }, "DatabaseInstance").inputs).toMatchObject({ settings: { tier: "db-custom-2-8192", diskSize: 50 } });
  });
});
