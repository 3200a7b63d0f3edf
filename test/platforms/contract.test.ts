import { expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import { platforms } from "../../constructs/platforms/registry";
import { type HelmCase, helmContract } from "../contract/helm";
import { platformContract } from "../contract/platform";
import { container } from "../contract/process";
import { cases } from "../fixtures/cases";
import { fromLibpqVariables } from "../fixtures/charts/logins";
import { toy } from "../fixtures/toy";

for (const each of cases) {
  platformContract(each);
  if ("chartValues" in each) helmContract(each);
}

it("has cases of registered platforms only", () => {
  expect(cases.map(({ name }) => name).filter((name) => !Object.hasOwn(platforms, name))).toEqual([]);
});

// A registered platform may have no case while it is being tried. Its title then says why it is skipped.
for (const name of Object.keys(platforms))
  if (!cases.some((each) => each.name === name))
    it.skip(`${name} keeps the contract: it has no case in test/fixtures/cases.ts, which says what of its release reaches which container`, () =>
      undefined);

const sixth: HelmCase = {
  title: "A sixth platform",
  name: "toy",
  platforms: { ...platforms, toy },
  settings: {},
  chartValues: { annotations: {}, app: { replicas: 1, env: [], volumes: [], mounts: [] }, inits: [] },
  containers: (release) => {
    const { app, inits } = (release as { values: JsonObject }).values as unknown as {
      app: { env: JsonObject[]; volumes?: JsonObject[]; mounts?: JsonObject[] };
      inits: JsonObject[];
    };
    return [container("toy", { env: app.env, volumes: app.volumes ?? [], volumeMounts: app.mounts ?? [], sidecarsBefore: inits })];
  },
  login: fromLibpqVariables,
  annotations: (release) => [(release as { values: JsonObject }).values.annotations],
  guarded: { values: { app: { replicas: 2 } }, path: "app.replicas", field: "replicas" },
  hostile: [{ app: { env: [{ name: "PGHOST", value: "elsewhere" }] } }],
  harmless: [{ app: { env: [{ name: "LEVEL", value: "debug" }] } }],
  list: { path: ["app", "env"], item: { name: "LEVEL", value: "debug" } },
};
platformContract(sixth);
helmContract(sixth);
