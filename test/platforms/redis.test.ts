import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";

const resolve = (change: object) =>
  resolveUnknown({ name: "production", instances: { main: {} }, platforms: {}, ...change }, { target: local, platforms });
const refused = (change: object): string => {
  try {
    resolve(change);
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a Redis", () => {
  const two = (kind: string, one: object, other: object) => ({ platforms: { [kind]: one, other: { platform: kind, ...other } } });
  const redisHost = "redis.example";

  it.each([
    ["several kinds", { platforms: { prefect: { redisHost }, skillflaw: { redisHost } } }],
    ["two ports", two("prefect", { redisHost }, { redisHost, redisPort: 6380 })],
    ["two SkillFlaws with the URLs of their Secrets", two("skillflaw", { redisHost, redisSecret: "a" }, { redisHost, redisSecret: "b" })],
    ["two SkillFlaws with Secrets of two namespaces", two("skillflaw", { redisHost, redisSecret: "a" }, { redisHost, redisSecret: "a" })],
    ["two Prefects without any", two("prefect", {}, {})],
  ])("can have %s", (_what, change) => {
    expect(() => resolve({ ...change, acknowledge: {}, instances: { main: { parameters: { max_connections: 400 } } } })).not.toThrow();
  });

  it.each([
    ["prefect", { redisHost }, { redisHost: "REDIS.example." }, "redisHost"],
    ["prefect", { redisHost, redisSecret: "a" }, { redisHost, redisSecret: "b" }, "redisHost"],
    ["prefect", { redisHost, redisSecret: "a" }, { redisHost: "b", redisSecret: "a", namespace: "prefect" }, "redisSecret"],
    ["skillflaw", { redisHost }, { redisHost }, "redisHost"],
    ["skillflaw", { redisHost, redisSecret: "a" }, { redisHost: "b", redisSecret: "a", namespace: "skillflaw" }, "redisSecret"],
  ])("has one %s until somebody says why it may have two: %j %j", (kind, one, other, setting) => {
    const instances = { main: { parameters: { max_connections: 400 } } };
    const id = `${kind}-has-its-own-redis`;
    const message = refused({ ...two(kind, one, other), instances });
    expect(message).toContain(`  - platforms.other.${setting}: is the Redis of ${kind}, and every `);
    expect(message).toContain(`; name another Redis; then write acknowledge: { "${id}": "<reason>" }`);
    expect(() => resolve({ ...two(kind, one, other), instances, acknowledge: { [id]: "other database numbers" } })).not.toThrow();
  });
});
