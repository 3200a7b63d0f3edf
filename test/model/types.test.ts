import { describe, expect, expectTypeOf, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { SpecError } from "../../constructs/model/errors";
import { resolve } from "../../constructs/model/resolve";
import type { ResolvedInstance } from "../../constructs/model/spec";
import { platforms } from "../../constructs/platforms/registry";
import { NETWORK } from "../fixtures/aws";
import { SECTION } from "../fixtures/gcp";

const onAws = { target: aws, platforms };
const onGcp = { target: gcp, platforms };
const here = { target: local, platforms };
const core = { name: "test", instances: { main: {} }, platforms: { mlflow: {} } } as const;

/** The compiler has its say in `npm run check`; here each is refused at run time, too. */
const refused = (run: () => unknown) => expect(run).toThrow(SpecError);

describe("a spec that is written in place", () => {
  it("compiles with its target's section, and gives that in its own type", () => {
    const environment = resolve({ ...core, aws: { region: "eu-central-1", network: NETWORK, rotationDays: 7 } }, onAws);
    expectTypeOf(environment.section.rotationDays).toEqualTypeOf<number>();
    expect(environment.section.rotationDays).toBe(7);
    expect(resolve({ ...core, gcp: { ...SECTION, disk: "HYPERDISK_BALANCED" } }, onGcp).section.disk).toBe("HYPERDISK_BALANCED");
  });

  it("compiles with what differs on each of two clouds", () => {
    const both = {
      ...core,
      aws: { region: "eu-central-1", instances: { main: { storageGib: 200, parameters: { "rds.logical_replication": 1 } } } },
      gcp: { ...SECTION, instances: { main: { size: { vcpus: 4 }, parameters: { "cloudsql.logical_decoding": "on" } } } },
    } as const;
    const onRds = resolve(both, { ...onAws, sections: ["gcp"] });
    expectTypeOf(onRds.instances.main.settings.storageGib).toEqualTypeOf<number>();
    expect([onRds.instances.main.settings.storageGib, onRds.section.instances.main.storageGib]).toEqual([200, 200]);
    expect(resolve(both, { ...onGcp, sections: ["aws"] }).instances.main.settings.size).toEqual({ vcpus: 4, memoryGib: 8 });
  });

  it("gives what was written without undefined, and nothing else", () => {
    const { instances, platforms: resolved } = resolve(core, here);
    expectTypeOf(instances).toEqualTypeOf<Readonly<Record<"main", ResolvedInstance>>>();
    expectTypeOf(resolved.mlflow.settings.workers).toEqualTypeOf<number>();
    expect([instances.main.maxConnections, resolved.mlflow.settings.workers]).toEqual([200, 2]);
    // @ts-expect-error not an instance of this spec
    expect(instances.other).toBeUndefined();
    // @ts-expect-error not a platform of this spec
    expect(resolved.prefect).toBeUndefined();
  });

  it("may be undefined where a condition or parsed JSON decides what is written", () => {
    const isLarge = core.name.length > 9;
    const conditional = resolve(
      {
        ...core,
        instances: { main: {}, ...(isLarge ? { second: {} } : {}) },
        platforms: { mlflow: { instance: "main" }, prefect: isLarge ? {} : undefined, ...(isLarge ? { flyte: {} } : {}) },
      },
      here,
    );
    expectTypeOf(conditional.platforms.mlflow.peak).toEqualTypeOf<number>();
    expectTypeOf(conditional.platforms.prefect?.peak).toEqualTypeOf<number | undefined>();
    expectTypeOf(conditional.platforms.flyte?.peak).toEqualTypeOf<number | undefined>();
    expectTypeOf(conditional.instances.second).toEqualTypeOf<ResolvedInstance | undefined>();
    expect(Object.keys(conditional.platforms)).toEqual(["mlflow"]);
    const parsed = resolve(JSON.parse(JSON.stringify(core)), here);
    expectTypeOf(parsed.platforms.mlflow?.settings.workers).toEqualTypeOf<number | undefined>();
    expectTypeOf(parsed.instances.main).toEqualTypeOf<ResolvedInstance | undefined>();
    expect(parsed.platforms.mlflow?.settings.workers).toBe(2);
  });

  it("knows platforms by names of the user's", () => {
    const { platforms: resolved } = resolve({ ...core, platforms: { mlflow: {}, research: { platform: "mlflow", workers: 3 } } }, here);
    expectTypeOf(resolved.research.settings.workers).toEqualTypeOf<number>();
    expect([resolved.research.kind, resolved.research.settings.workers]).toEqual(["mlflow", 3]);
    // @ts-expect-error not a platform of this spec
    expect(resolved.prefect).toBeUndefined();
    // @ts-expect-error a setting of another kind
    refused(() => resolve({ ...core, platforms: { research: { platform: "mlflow", redisHost: "redis" } } }, here));
    // @ts-expect-error what it is is not known
    refused(() => resolve({ ...core, platforms: { research: { workers: 3 } } }, here));
    const misspelt = { ...core, platforms: { research: { platform: "mlflow", wokers: 1 } } } as const;
    // @ts-expect-error wokers
    refused(() => resolve(misspelt, here));
  });

  it("may have sections of other targets only where they are named", () => {
    const both = { ...core, aws: { region: "eu-central-1" } } as const;
    expect(resolve(both, { ...here, sections: ["aws", "gcp"] }).name).toBe("test");
    // @ts-expect-error this machine has no section, and no other target's is allowed
    refused(() => resolve(both, here));
    // @ts-expect-error a section that RDS needs is missing
    refused(() => resolve(core, onAws));
  });

  it("does not compile with a misspelt key in any section", () => {
    // @ts-expect-error regoin
    refused(() => resolve({ ...core, aws: { region: "eu-central-1", regoin: "x" } }, onAws));
    // @ts-expect-error privateSubnet
    refused(() => resolve({ ...core, aws: { region: "eu-central-1", network: { ...NETWORK, privateSubnet: [] } } }, onAws));
    // @ts-expect-error storageGb
    refused(() => resolve({ ...core, aws: { region: "eu-central-1", instances: { main: { storageGb: 100 } } } }, onAws));
    // @ts-expect-error cpus
    refused(() => resolve({ ...core, gcp: { ...SECTION, instances: { main: { size: { cpus: 2 } } } } }, onGcp));
    // @ts-expect-error edtion
    refused(() => resolve({ ...core, gcp: { ...SECTION, edtion: "ENTERPRISE" } }, onGcp));
    // @ts-expect-error storageGb
    refused(() => resolve({ ...core, instances: { main: { storageGb: 100 } } }, here));
    // @ts-expect-error wokers
    refused(() => resolve({ ...core, platforms: { mlflow: { wokers: 1 } } }, here));
    // @ts-expect-error lables
    refused(() => resolve({ ...core, lables: {} }, here));
  });

  it("does not compile with a misspelt key where it is a const, either", () => {
    const section = { ...core, aws: { region: "eu-central-1", regoin: "x" } };
    // @ts-expect-error regoin
    refused(() => resolve(section, onAws));
    const subnets = {
      ...core,
      aws: { region: "eu-central-1", network: { vpc: NETWORK.vpc, privateSubnets: [{ id: "subnet-0a1b2c3d", zon: "a" }] } },
    };
    // @ts-expect-error zon
    refused(() => resolve(subnets, onAws));
    const instance = { ...core, instances: { main: { size: { cpus: 2 } } } };
    // @ts-expect-error cpus
    refused(() => resolve(instance, here));
    const platform = { ...core, platforms: { mlflow: { replica: 2 } } };
    // @ts-expect-error replica
    refused(() => resolve(platform, here));
    const top = { ...core, lables: {} };
    // @ts-expect-error lables
    refused(() => resolve(top, here));
  });

  it("takes free values for a chart, marked examples, null and undefined", () => {
    const spec = {
      ...core,
      owner: undefined,
      instances: { main: { iops: null, storageGib: undefined, parameters: { work_mem: "16MB" } } },
      platforms: { mlflow: { values: { tolerations: [{ deep: [1, "a", null] }] } } },
      aws: { region: "eu-central-1", account: { example: "111122223333" }, zones: [] },
    };
    expect(resolve(spec, onAws).instances.main.settings.parameters.work_mem).toBe("16MB");
  });
});
