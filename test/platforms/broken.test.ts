import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import type { Platform, Wiring } from "../../constructs/model/platform";
import { mergeValues } from "../../constructs/model/values";
import { type ContractCase, DIRECT, platformOf, wire } from "../contract/case";
import { passwordsIn } from "../contract/helm";
import { expectVerified } from "../contract/platform";
import { cases } from "../fixtures/cases";

const named = (title: string): ContractCase => {
  const found = cases.find((each) => each.title === title);
  if (found === undefined) throw new Error(`no case ${title}`);
  return found;
};

/** The same platform with a mistake in its wiring. */
function broken(each: ContractCase, mistake: (wiring: Wiring) => Wiring): ContractCase {
  const platform = platformOf(each);
  const changed: Platform = { ...platform, wire: (connection, settings) => mistake(platform.wire(connection, settings)) };
  return { ...each, platforms: { ...each.platforms, [each.name]: changed } };
}

const withValues =
  (change: (values: JsonObject) => JsonObject) =>
  (wiring: Wiring): Wiring =>
    wiring.release.kind === "helm" ? { ...wiring, release: { ...wiring.release, values: change(wiring.release.values) } } : wiring;

/** The containers whose login the contract refuses. */
function refused(each: ContractCase): readonly string[] {
  const wired = wire(each, DIRECT);
  return each
    .containers(wired.wiring.release)
    .filter((container) => {
      try {
        expectVerified(each, container, wired, DIRECT);
        return false;
      } catch {
        return true;
      }
    })
    .map((container) => container.name);
}

describe("a broken adapter is caught by the contract", () => {
  it("not when nothing is broken", () => {
    for (const each of cases) expect(refused(each)).toEqual([]);
  });

  it("with the flat keys of Flyte 1 on Flyte 2", () => {
    const flat = withValues((values) => {
      const { database } = values.configuration as { database: { postgres: JsonObject } };
      return { ...values, configuration: { ...(values.configuration as JsonObject), database: database.postgres } };
    });
    expect(refused(broken(named("Flyte 2"), flat))).toEqual(["flyte"]);
  });

  it("with a CA that only main containers of flyte-core mount", () => {
    const byConfigMap = withValues((values) => {
      const { datacatalog } = values.db as { datacatalog: { database: JsonObject } };
      const options = String(datacatalog.database.options).replace("/etc/db/", "/etc/platform-postgres/");
      return mergeValues(values, {
        db: { datacatalog: { database: { options } } },
        datacatalog: {
          additionalVolumes: [{ name: "db-ca", configMap: { name: "flyte-db-ca" } }],
          additionalVolumeMounts: [{ name: "db-ca", mountPath: "/etc/platform-postgres" }],
        },
      });
    });
    expect(refused(broken(named("flyte-core"), byConfigMap))).toEqual(["datacatalog: init run-migrations"]);
  });

  it("with options that a connection without password forgets", () => {
    const withoutSecret = withValues((values) => mergeValues(values, { configuration: { inlineSecretRef: "another" } }));
    expect(refused(broken(named("Flyte 2"), withoutSecret))).toEqual(["flyte"]);
  });

  it("with a password under inline, which becomes a ConfigMap", () => {
    const inline = withValues((values) =>
      mergeValues(values, { configuration: { inline: { runs: { database: { postgres: { password: "$(PASSWORD)" } } } } } }),
    );
    const { release } = wire(broken(named("Flyte 2"), inline), DIRECT).wiring;
    expect(passwordsIn(release.kind === "helm" ? release.values : {})).toEqual(["configuration.inline.runs.database.postgres.password"]);
  });

  it("with parameters that the driver does not get", () => {
    const without = (wiring: Wiring): Wiring => {
      if (wiring.release.kind !== "kustomize") return wiring;
      return { ...wiring, release: { ...wiring.release, patches: wiring.release.patches.filter(({ target }) => target === null) } };
    };
    expect(refused(broken(named("Kubeflow Pipelines"), without))).toEqual(["metadata-grpc-deployment: container"]);
  });
});
