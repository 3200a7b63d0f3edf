import { describe, expect, it } from "vitest";
import { chartVersion, EXTERNAL_SECRETS, isOlder, operatorsOf, RELOADER, unusedVersions } from "../../constructs/kubernetes/operators";

describe("operators", () => {
  it("have names that no other release of a cluster has by chance, and that Kubernetes takes", () => {
    for (const { release, namespace } of [EXTERNAL_SECRETS, RELOADER]) {
      // Helm: 53 letters.
      expect(release).toMatch(/^platform-postgres-[a-z-]{1,35}$/);
      expect(namespace).toBe(release);
    }
  });

  const none = {
    installExternalSecrets: false,
    externalSecretsVersion: EXTERNAL_SECRETS.version,
    installReloader: false,
    reloaderVersion: RELOADER.version,
  };

  it("are installed where the cluster asks for them, in the version that it names", () => {
    const shown = (settings: Partial<typeof none>) => operatorsOf({ ...none, ...settings }).map(({ chart, version }) => [chart, version]);
    expect(shown({})).toEqual([]);
    expect(shown({ installReloader: true })).toEqual([["reloader", RELOADER.version]]);
    expect(shown({ installExternalSecrets: true, externalSecretsVersion: "2.14.0" })).toEqual([["external-secrets", "2.14.0"]]);
  });

  it("have versions whose parts are compared as numbers", () => {
    expect([isOlder("0.9.20", "0.16.0"), isOlder("0.16.0", "0.16.0"), isOlder("2.10.0", "2.9.0")]).toEqual([true, false, false]);
  });

  it.each([
    ["2.0.0-rc.1", "2.0.0"],
    ["2.0.0-rc.2", "2.0.0-rc.10"],
    ["1.9.9", "2.0.0-rc.1"],
    ["9.36.1-alpha.5+build", "9.36.1"],
  ])("rank the pre-release %s before %s", (older, newer) => {
    expect([isOlder(older, newer), isOlder(newer, older), isOlder(older, older)]).toEqual([true, false, false]);
  });

  it.each(["v2.9.0", "2.9", "latest", "2.9.0 ", ""])("have no version %j", (version) => {
    const found: string[] = [];
    chartVersion(EXTERNAL_SECRETS).read(version, "at", ({ rule }) => found.push(rule));
    expect(found).toEqual(["must be a chart's version such as 2.9.0"]);
  });

  it("that are not installed have a version in vain", () => {
    const paths = (settings: Partial<typeof none>) => unusedVersions({ ...none, ...settings }, "at").map(({ path }) => path);
    expect(paths({})).toEqual([]);
    expect(paths({ externalSecretsVersion: "2.14.0", reloaderVersion: "2.2.15" })).toEqual([
      "at.externalSecretsVersion",
      "at.reloaderVersion",
    ]);
    expect(paths({ installReloader: true, reloaderVersion: "2.2.15" })).toEqual([]);
  });
});
