import { describe, expect, it } from "vitest";
import { emptyWith, refusal, resolveHere } from "../fixtures/specs";

const resolve = (change: object) => resolveHere(emptyWith(change));
const refused = (change: object): string => refusal(emptyWith(change));

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
    const { platforms: resolved, warnings } = resolve({
      ...change,
      acknowledge: {},
      instances: { main: { parameters: { max_connections: 400 } } },
    });
    expect(Object.keys(resolved)).toEqual(Object.keys(change.platforms));
    expect(warnings.filter(({ rule }) => rule.includes("Redis"))).toEqual([]);
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
    expect(message).toContain(`  - platforms.other.${setting}: is also the Redis of ${kind}, but every `);
    expect(message).toContain(`; name another Redis; then write acknowledge: { "${id}": "<reason>" }`);
    const { warnings } = resolve({ ...two(kind, one, other), instances, acknowledge: { [id]: "other database numbers" } });
    expect(warnings).toContainEqual(
      expect.objectContaining({ path: `platforms.other.${setting}`, remedy: "acknowledged: other database numbers" }),
    );
  });
});
