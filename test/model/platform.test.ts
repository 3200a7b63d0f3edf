import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { SpecError } from "../../constructs/model/errors";
import { type Chart, definePlatform, helmRelease } from "../../constructs/model/platform";
import { resolve } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { chartFacts } from "../fixtures/chart-facts";

const chart: Chart = {
  name: "bare",
  repository: "https://charts.example",
  verified: [chartFacts("bare")],
  supported: { oldest: ["1.0.0"], form: "1.0.0 or newer", unverified: "1.0.1" },
};

/** A platform that states nothing but what it must. */
const bare = definePlatform({
  title: "Bare",
  fields: {},
  driver: { name: "libpq", dialect: "PG* variables" },
  chart: () => chart,
  databases: () => ({ main: { name: "bare", extensions: [] } }),
  transactionPooling: () => ({ works: true, note: "" }),
  connections: () => [{ opener: "bare", pool: 1, processes: 1, replicas: 1, overlaps: false, migration: 0 }],
  wire: (_connection, settings) => ({
    secret: {},
    release: helmRelease(chart, settings, {}),
    health: { path: "/", asksDatabase: false },
  }),
});

const resolveBare = (settings: object) =>
  resolve({ name: "it", instances: { main: {} }, platforms: { bare: settings } }, { target: local, platforms: { bare } });

function refusal(settings: object): string {
  try {
    resolveBare(settings);
    return "accepted";
  } catch (error) {
    if (error instanceof SpecError) return error.message;
    throw error;
  }
}

describe("a platform that leaves out what it can", () => {
  it("is resolved and wired", () => {
    const environment = resolveBare({});
    const wired = wirePlatforms(environment, { bare }, () => ({ host: "db", port: 5432, sidecar: null })).bare;
    expect(environment.instances.main?.tenants.bare).toMatchObject({ createDatabase: false, loginParameters: {}, revisions: [] });
    expect(wired?.serviceAccounts).toEqual([]);
    expect(wired?.wiring).toMatchObject({ objects: [], variables: {}, files: {}, start: null, migrate: [], notes: [] });
    expect(wired?.wiring.health).toEqual({ path: "/", asksDatabase: false, client: null });
    expect(bare).toMatchObject({ minimumMajorVersion: 15, newestMajorVersion: null });
  });

  it("lets no value set libpq's variables", () => {
    expect(refusal({ values: { env: { PGHOST: "elsewhere" } } })).toBe(
      "invalid spec:\n  - platforms.bare.values.env.PGHOST: is set by the wiring; remove it, because it follows from the connection",
    );
  });

  it("has no sidecar and no image to replace", () => {
    expect(refusal({ access: "sidecar" })).toContain("the chart of Bare cannot start a sidecar before its migrations");
    expect(refusal({ images: { bare: "registry.example/bare:1" } })).toBe(
      'invalid spec:\n  - platforms.bare.images.bare: is not supported, because no image of Bare can be replaced, got "bare"; remove it [bare-image-container]',
    );
  });
});
