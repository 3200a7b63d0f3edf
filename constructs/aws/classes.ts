import type { InstanceSettings } from "../model/instance";

/** An RDS instance class, by what it has. */
export interface InstanceClass {
  readonly name: `db.${string}`;
  readonly vcpus: number;
  readonly memoryGib: number;
}

const SIZES = { large: 2, xlarge: 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64 } as const;

const family = (name: string, gibPerVcpu: number, larger: Readonly<Record<string, number>> = {}): readonly InstanceClass[] =>
  Object.entries({ ...SIZES, ...larger }).map(([size, vcpus]) => ({ name: `db.${name}.${size}`, vcpus, memoryGib: vcpus * gibPerVcpu }));

/**
 * Classes on Graviton that PostgreSQL 15 to 18 have: burstable ones up to 4 GiB, general (4 GiB for each vCPU), memory (8 GiB).
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
 */
export const CLASSES: readonly InstanceClass[] = [
  { name: "db.t4g.micro", vcpus: 2, memoryGib: 1 },
  { name: "db.t4g.small", vcpus: 2, memoryGib: 2 },
  { name: "db.t4g.medium", vcpus: 2, memoryGib: 4 },
  ...family("m7g", 4),
  ...family("r7g", 8),
];

/** Burstable classes, whose memory for each vCPU differs between sizes. */
const burstable = (name: string): readonly InstanceClass[] => [
  { name: `db.${name}.micro`, vcpus: 2, memoryGib: 1 },
  { name: `db.${name}.small`, vcpus: 2, memoryGib: 2 },
  { name: `db.${name}.medium`, vcpus: 2, memoryGib: 4 },
  { name: `db.${name}.large`, vcpus: 2, memoryGib: 8 },
  { name: `db.${name}.xlarge`, vcpus: 4, memoryGib: 16 },
  { name: `db.${name}.2xlarge`, vcpus: 8, memoryGib: 32 },
];

/** Sizes above 16xlarge, of which generations have different ones. */
const TO_24 = { "24xlarge": 96 };
const TO_32 = { ...TO_24, "32xlarge": 128 };
const TO_48 = { ...TO_24, "48xlarge": 192 };

/**
 * Every class that RDS for PostgreSQL 15 to 18 offers in any region, x86 and Graviton, including families with local disks or faster networks.
 *
 * Memory: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html, read on 2026-11-30.
 * Which of them PostgreSQL has, from RDS's own list of orderable classes in every region:
 * https://github.com/aws-cloudformation/cfn-lint/blob/main/src/cfnlint/data/schemas/extensions/aws_rds_dbinstance/dbinstanceclass_enum.json
 * (2026-08-19). A region may lack some of them: `aws rds describe-orderable-db-instance-options --engine postgres` lists those of a region.
 */
const ORDERABLE: readonly InstanceClass[] = [
  ...["t3", "t4g"].flatMap(burstable),
  ...["m6g", "m6gd", "m7g"].flatMap((name) => family(name, 4)),
  ...["m5", "m5d"].flatMap((name) => family(name, 4, TO_24)),
  ...["m6i", "m6id", "m6idn", "m6in"].flatMap((name) => family(name, 4, TO_32)),
  ...["m7i", "m8g", "m8gd"].flatMap((name) => family(name, 4, TO_48)),
  ...["r6g", "r6gd", "r7g"].flatMap((name) => family(name, 8)),
  ...["r5", "r5b", "r5d"].flatMap((name) => family(name, 8, TO_24)),
  ...["r6i", "r6id", "r6idn", "r6in"].flatMap((name) => family(name, 8, TO_32)),
  ...["r7i", "r8g", "r8gd"].flatMap((name) => family(name, 8, TO_48)),
  ...family("x2g", 16),
];
const BY_NAME: ReadonlyMap<string, InstanceClass> = new Map(ORDERABLE.map((each) => [each.name, each]));

/** Names of all classes that a spec can name. */
export const CLASS_NAMES: readonly string[] = [...BY_NAME.keys()];

/** A class by its name, or undefined. */
export const classNamed = (name: string): InstanceClass | undefined => BY_NAME.get(name);

/** The class that has exactly a size, or undefined. */
export function classOf({ vcpus, memoryGib }: InstanceSettings["size"]): InstanceClass | undefined {
  return CLASSES.find((each) => each.vcpus === vcpus && each.memoryGib === memoryGib);
}

/** The smallest class that has at least a size, or undefined. */
export function classAbove({ vcpus, memoryGib }: InstanceSettings["size"]): InstanceClass | undefined {
  const enough = CLASSES.filter((each) => each.vcpus >= vcpus && each.memoryGib >= memoryGib);
  return enough.sort((a, b) => a.memoryGib - b.memoryGib || a.vcpus - b.vcpus)[0];
}

const MIB = 2 ** 20;
/** What RDS's own processes and the system keep of an instance's memory; its formulas count the rest. */
const KEPT_MIB = 256;
/** RDS's formula: `LEAST({DBInstanceClassMemory/9531392}, 5000)`. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html */
const BYTES_PER_CONNECTION = 9_531_392;
const MOST_CONNECTIONS = 5000;

/** `max_connections` as RDS would set it, rounded down to tens: a number that the budget can count on. */
export function connectionsOf(memoryGib: number): number {
  const connections = ((memoryGib * 1024 - KEPT_MIB) * MIB) / BYTES_PER_CONNECTION;
  return Math.min(Math.floor(connections / 10) * 10, MOST_CONNECTIONS);
}

/**
 * A parameter group's `max_connections`: exactly `connections` on a class with this memory or more. On a smaller class it is the share that
 * its memory has, and no fewer than RDS's own default up to that number. The group changes at once, the class perhaps in the next
 * maintenance window: until then a restart starts the old class.
 *
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html
 *
 * @param memoryGib GiB of the class.
 */
export function maxConnectionsFormula(connections: number, memoryGib: number): string {
  // Subtracts the reserve twice, so that the class itself never gets fewer connections.
  const bytesPerConnection = Math.floor(((memoryGib * 1024 - 2 * KEPT_MIB) * MIB) / connections);
  return `LEAST({DBInstanceClassMemory/${Math.min(bytesPerConnection, BYTES_PER_CONNECTION)}},${connections})`;
}
