import { describe, expect, it } from "vitest";
import { mapValues } from "../../../constructs/model/json";
import { wirePlatforms } from "../../../constructs/model/wire";
import { platforms } from "../../../constructs/platforms/registry";
import { productionAws, resolveAws } from "../../fixtures/aws";
import ids from "../../fixtures/ids.json";
import { templatesOf } from "../../fixtures/templates";

/** `ids.json` contains the ids of environments that were deployed when each platform was still named after its kind. */
describe("an environment with at most one platform of each kind", () => {
  it("keeps every logical id", () => {
    for (const [part, { Resources }] of Object.entries(templatesOf(productionAws))) {
      const now = Object.entries(Resources).map(([id, { Type }]) => `${Type} ${id}`);
      const then = ids.aws[part as keyof typeof ids.aws];
      expect(then.filter((each) => !now.includes(each))).toEqual([]);
    }
    expect(Object.keys(templatesOf(productionAws))).toEqual(Object.keys(ids.aws));
  });

  it("keeps its roles, databases, secrets, namespaces and releases", () => {
    const { instances, ...environment } = resolveAws(productionAws);
    const wired = wirePlatforms({ instances, ...environment }, platforms, () => ({ host: "db", port: 5432, sidecar: null }));
    const named = mapValues(instances.main?.tenants ?? {}, ({ owner, logins, databases, secret }, name) => ({
      roles: [owner, ...logins.map((login) => login.name)],
      databases: databases.map((database) => database.name),
      secret,
      namespace: wired[name]?.namespace,
      release: wired[name]?.release,
      kubernetesSecret: wired[name]?.connection.secret,
    }));
    expect(named).toEqual(ids.platforms);
  });
});
