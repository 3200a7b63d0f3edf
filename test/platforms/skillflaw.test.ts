import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../constructs/model/json";
import { chartDirectory } from "../../constructs/package/root";
import { DIRECT, refusal, settingsOf, wire } from "../contract/case";
import { cases } from "../fixtures/cases";

const [one, three] = cases.filter((each) => each.name === "skillflaw");
if (one === undefined || three === undefined) throw new Error("no case of SkillFlaw");
const file = (...path: readonly string[]): string => readFileSync(join(chartDirectory("skillflaw"), ...path), "utf8");

describe("SkillFlaw's chart", () => {
  it("has the name and the version that the adapter verified", () => {
    const { name, version } = parse(file("Chart.yaml")) as { readonly name: string; readonly version: string };
    const chart = one.platforms.skillflaw?.chart(settingsOf(one));
    expect([name, version]).toEqual([chart?.name, chart?.verified[0].version]);
  });

  it("gives its pods the pools that platform.env gives a process", () => {
    const helpers = file("templates", "_helpers.tpl");
    const written = /value: \{\{ dict (.*) \| toJson \| quote \}\}/.exec(helpers)?.[1] ?? "";
    const settings = [...written.matchAll(/"(\w+)" (\(int [^)]*\.(\w+)\)|\S+)/g)].map(([, key, literal, value]) => [key, value ?? literal]);
    const { variables } = wire(one, DIRECT).wiring;
    const own = JSON.parse(String(variables.SKILLFLAW_DB_CONNECTION_SETTINGS)) as JsonObject;
    expect(Object.fromEntries(settings)).toEqual({
      ...Object.fromEntries(Object.entries(own).map(([key, value]) => [key, String(value)])),
      pool_size: "size",
      max_overflow: "maxOverflow",
    });
    expect(helpers).toContain(
      `SKILLFLAW_KNOWLEDGE_BASE_STORAGE_POOL_SIZE\n  value: "${String(variables.SKILLFLAW_KNOWLEDGE_BASE_STORAGE_POOL_SIZE)}"`,
    );
    expect(helpers).toContain(`SKILLFLAW_DATABASE_CONNECTION_RETRY\n  value: "${String(variables.SKILLFLAW_DATABASE_CONNECTION_RETRY)}"`);
  });

  it("lets one pod at a time migrate, by a lock that nobody waits for in a statement", () => {
    expect(file("templates", "deployment.yaml")).toContain("rollingUpdate: { maxSurge: 0, maxUnavailable: 1 }");
    const script = file("files", "migrate.py");
    expect(script).toContain("select pg_try_advisory_lock(%s)");
    expect(script).not.toContain("select pg_advisory_lock");
  });

  it("gets everything that several pods share", () => {
    const { release } = wire(three, DIRECT).wiring;
    expect(release.kind === "helm" ? release.values : {}).toMatchObject({
      replicaCount: 3,
      redis: { host: "redis.example.internal", port: 6379, existingSecret: "redis" },
      secretKey: { existingSecret: "skillflaw-key" },
      config: { existingClaim: "skillflaw-files" },
    });
  });
});

describe("a spec of SkillFlaw", () => {
  it("with several pods names everything that they have to share", () => {
    expect(refusal(one, { replicas: 3, images: three.settings.images })).toBe(
      [
        "invalid spec:",
        "  - platforms.skillflaw.redisHost: is required with 3 replicas; name a Redis for the cache and the job queue; or set replicas to 1 [skillflaw-replicas-share-their-state]",
        "  - platforms.skillflaw.secretKeySecret: is required with 3 replicas; name one key for stored credentials, in a Secret; or set replicas to 1 [skillflaw-replicas-share-their-state]",
        "  - platforms.skillflaw.configClaim: is required with 3 replicas; name one volume for its files, which every pod can write; or set replicas to 1 [skillflaw-replicas-share-their-state]",
      ].join("\n"),
    );
  });
});
