import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import catalogue from "../../../infra/gcp/catalogue.json";
import { ROLES } from "../../../infra/gcp/roles";
import { CLUSTER, fullGcp, withGcp } from "../../fixtures/gcp";
import { registrationsOf } from "../../fixtures/registrations";

const covers = (type: string): boolean =>
  ROLES.some(({ types }) => types.some((each) => type === each || (each.endsWith(":") && type.startsWith(each))));

describe("roles of who deploys", () => {
  it("cover every type of resource that is registered", async () => {
    const { resources } = await registrationsOf(withGcp(fullGcp, { cluster: { ...CLUSTER, serviceAccounts: "google" } }));
    const types = resources.filter(({ custom, type }) => custom && /^(gcp|kubernetes):/.test(type)).map(({ type }) => type);
    expect(new Set(types).size).toBeGreaterThan(20);
    const cloud = Object.keys(catalogue).filter((type) => type.startsWith("gcp:"));
    expect([...new Set([...types, ...cloud])].filter((type) => !covers(type))).toEqual([]);
  });

  it("are for types that there are", () => {
    const named = ROLES.flatMap(({ types }) => types).filter((type) => !type.endsWith(":"));
    expect(named.filter((type) => !Object.hasOwn(catalogue, type))).toEqual([]);
  });

  it("are what docs/reference/permissions.md asks for, word by word, and nothing else", () => {
    const page = readFileSync(join(__dirname, "..", "..", "..", "docs", "reference", "permissions.md"), "utf8");
    const section = page.split("\n## Google Cloud\n")[1]?.split("\n## ")[0] ?? "";
    const rows = section.split("\n").filter((line) => /^\| .*`roles\/[a-zA-Z.]+`/.test(line));
    expect(rows).toEqual(ROLES.map(({ title, role, reason }) => `| ${title} (\`${role}\`) | ${reason} |`));
  });
});
