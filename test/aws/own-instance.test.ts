import { describe, expect, it } from "vitest";
import { CLASS_NAMES, CLASSES, classNamed } from "../../constructs/aws/classes";
import { aws } from "../../constructs/aws/target";
import { formatViolation } from "../../constructs/model/errors";
import { minimalAws, resolveAws, withMain, withOwn } from "../fixtures/aws";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, aws as never).replace("invalid spec:\n  - ", "");
const own = (settings: object): string => refused(withOwn(minimalAws, settings));
const warned = (settings: object, main: object = {}): readonly string[] =>
  resolveAws(withOwn(withMain(minimalAws, main), settings)).warnings.map(formatViolation);

describe("instance classes", () => {
  it("are those that sizes give, and many more, of x86 and of Graviton", () => {
    for (const { name, vcpus, memoryGib } of CLASSES) expect(classNamed(name)).toEqual({ name, vcpus, memoryGib });
    for (const family of "t3 t4g m5 m6i m6g m7i m7g m8g r5 r6i r6g r7i r7g r8g".split(" "))
      expect(CLASS_NAMES).toContain(`db.${family}.large`);
  });

  it.each([
    ["db.t3.micro", 2, 1],
    ["db.t3.2xlarge", 8, 32],
    ["db.m5.24xlarge", 96, 384],
    ["db.m6i.32xlarge", 128, 512],
    ["db.m8g.48xlarge", 192, 768],
    ["db.r5.large", 2, 16],
    ["db.r8g.48xlarge", 192, 1536],
    ["db.x2g.large", 2, 32],
  ])("%s has %i vCPUs and %i GiB, whatever the size elsewhere", (name, vcpus, memoryGib) => {
    const spec = withOwn(withMain(minimalAws, { size: { vcpus: 3, memoryGib: 8 } }), { class: name });
    expect(resolveAws(spec).instances.main?.settings.size).toEqual({ vcpus, memoryGib });
  });
});

const CLASS = "aws.instances.main.class: must be an instance class of RDS for PostgreSQL, such as db.m7g.large, got";

describe("a setting of one instance on AWS is refused", () => {
  it.each<[object, string]>([
    [{ class: "db.m7i.lrage" }, `${CLASS} "db.m7i.lrage"; did you mean "db.m7i.large"?`],
    [{ class: "m7i.large" }, `${CLASS} "m7i.large"; write "db.m7i.large"`],
    [
      { class: "db.t2.micro" },
      `${CLASS} "db.t2.micro"; that generation supports PostgreSQL up to 14; the oldest x86 classes for newer versions are db.t3, db.m5 and db.r5`,
    ],
    [{ class: "db.serverless" }, `${CLASS} "db.serverless"; write a class of db.t3, t4g, m5 to m8g or r5 to r8g`],
    [{ class: "" }, `${CLASS} ""; such as db.m7g.large or db.m7i.large`],
    [{ class: 5 }, `${CLASS} 5`],
    [
      { class: "db.m7i.large", size: { vcpus: 2 } },
      "aws.instances.main.size: must not be set together with class, which decides it, got an object; remove one of the two",
    ],
    [{ version: "17" }, 'aws.instances.main.version: must be a minor version such as 17.6, got "17"'],
    [{ version: 17.6 }, 'aws.instances.main.version: must be a minor version such as 17.6, got 17.6; write it in quotes: "17.6"'],
    [
      { version: "16.9" },
      'aws.instances.main.version: must be a minor version of majorVersion (17), got "16.9"; change one of the two [aws-version-is-of-its-major]',
    ],
    [
      { version: "17.1" },
      'aws.instances.main.version: ignores ALTER ROLE ... SET role, which lets both logins of a platform own the same tables, got "17.1"; write the next minor version or a later one [aws-version-heeds-the-owner-role]',
    ],
    [
      { identifier: "ML" },
      'aws.instances.main.identifier: must be 1 to 63 of a-z, 0-9 and single hyphens, starting with a letter, got "ML"',
    ],
    [
      { identifier: "ml--main" },
      'aws.instances.main.identifier: must be 1 to 63 of a-z, 0-9 and single hyphens, starting with a letter, got "ml--main"',
    ],
    [{ monitoringIntervalSeconds: 20 }, "aws.instances.main.monitoringIntervalSeconds: must be 0, 1, 5, 10, 15, 30 or 60, got 20"],
    [
      { parameterGroup: "ml-postgres17", parameters: { work_mem: "16MB" } },
      'aws.instances.main.parameterGroup: cannot be combined with parameters (work_mem), got "ml-postgres17"; set them in that group and remove them here (those for other clouds go into gcp.instances), or remove parameterGroup [aws-parameter-group-takes-the-place-of-parameters]',
    ],
    [
      { subnetGroup: "default" },
      'aws.instances.main.subnetGroup: must be a DB subnet group\'s name in lower case, not default, got "default"',
    ],
    [{ dbInstanceIdentifier: "x" }, "aws.instances.main.dbInstanceIdentifier: unknown key; use identifier"],
    [
      { skip_final_snapshot: true },
      "aws.instances.main.skip_final_snapshot: unknown key; use finalSnapshot: true takes a snapshot, false takes none",
    ],
  ])("%j", (settings, message) => {
    expect(own(settings)).toBe(message);
  });

  it("where it is written beside instances, with the place where it belongs", () => {
    expect(refused(withMain(minimalAws, { identifier: "ml" }))).toBe(
      "instances.main.identifier: unknown key; write it as aws.instances.main.identifier",
    );
    expect(refused(withMain(minimalAws, { class: "db.m5.large" }))).toBe(
      "instances.main.class: unknown key; write size: { vcpus, memoryGib }, from which the class or tier follows; or write it as aws.instances.main.class",
    );
  });

  it("where two instances have one name", () => {
    const spec = {
      ...minimalAws,
      instances: { main: {}, other: {} },
      platforms: { prefect: { instance: "main" } },
      aws: { ...minimalAws.aws, instances: { main: { identifier: "ml" }, other: { identifier: "ml" } } },
    };
    expect(refused(spec)).toBe(
      'aws.instances.other.identifier: is also the identifier of main, got "ml" [aws-identifier-names-one-instance]',
    );
  });

  it("where a subnet group is named without its network", () => {
    expect(refused(withOwn(minimalAws, { subnetGroup: "shared" }, { network: null }))).toBe(
      'aws.instances.main.subnetGroup: needs aws.network, because an existing subnet group is never in a new network, got "shared"; write the VPC of the group, with its private subnets, into aws.network [aws-subnet-group-needs-its-network]',
    );
  });
});

describe("a setting of one instance on AWS that is accepted", () => {
  it.each<[object, readonly string[]]>([
    [{ class: "db.m7i.large", monitoringIntervalSeconds: 0, finalSnapshot: true, subnetGroup: "shared" }, []],
    [
      { version: "17.6" },
      [
        'aws.instances.main.version: disables automatic minor upgrades, including security fixes, got "17.6"; change it at least every quarter [aws-version-is-upgraded-by-hand]',
      ],
    ],
    [
      { parameterGroup: "ml-postgres17" },
      [
        'aws.instances.main.parameterGroup: must be of family postgres17 and set rds.force_ssl to 1 and no max_connections; nothing here checks or sets it, got "ml-postgres17"; if it sets max_connections, write the same number into parameters.max_connections of the instance [aws-parameter-group-is-yours]',
      ],
    ],
    [
      { parameterGroup: "ml-postgres17", parameters: { max_connections: 300 } },
      [
        'aws.instances.main.parameterGroup: must be of family postgres17 and set rds.force_ssl to 1 and max_connections to 300; nothing here checks or sets it, got "ml-postgres17" [aws-parameter-group-is-yours]',
      ],
    ],
    [
      { identifier: "ml-main" },
      [
        'aws.instances.main.identifier: blocks every change that replaces the instance, and the next deployment after its stack is deleted, because the instance is kept: RDS accepts a name once in a region, got "ml-main"; leave it out unless something looks the instance up by this name [aws-identifier-blocks-a-replacement]',
      ],
    ],
    [
      { finalSnapshot: false },
      [
        "aws.instances.main.finalSnapshot: deletes the data when the instance is removed from the spec or its stack is deleted: only its automated backups remain, for 7 days, got false; deletionProtection prevents that until you set it to false [aws-instance-is-deleted-with-its-stack]",
      ],
    ],
  ])("%j has these warnings", (settings, warnings) => {
    expect(warned(settings)).toEqual(warnings);
  });

  it("has no effect on an existing database, and says so", () => {
    const existing = {
      host: "ml.a1b2c3.eu-central-1.rds.amazonaws.com",
      masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf",
    };
    expect(warned({ class: "db.m5.large", version: "17.6", identifier: "ml" }, { existing })).toEqual(
      ["class", "version", "identifier"].map(
        (key) => `aws.instances.main.${key}: has no effect on an existing database [existing-is-not-created]`,
      ),
    );
  });
});
