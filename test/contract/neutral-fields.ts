import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { instanceFields } from "../../constructs/model/instance";

type Field = keyof typeof instanceFields;

/** Another value of every field than the default, and what else it takes. */
const OTHER: Readonly<Record<Field, object>> = {
  majorVersion: { majorVersion: 16 },
  size: { size: { vcpus: 4, memoryGib: 32 } },
  storageGib: { storageGib: 500, maxStorageGib: 2000 },
  maxStorageGib: { maxStorageGib: null },
  iops: { iops: 13_000 },
  throughputMibps: { throughputMibps: 600 },
  highAvailability: { highAvailability: false },
  readReplicas: { readReplicas: 1 },
  backupRetentionDays: { backupRetentionDays: 5 },
  pointInTimeRecovery: { pointInTimeRecovery: false, highAvailability: false },
  backupWindow: { backupWindow: "01:00-02:00" },
  maintenanceWindow: { maintenanceWindow: "sat:04:00-sat:05:00" },
  backupReplication: {},
  iamAuthentication: { iamAuthentication: true },
  deletionProtection: { deletionProtection: false },
  parameters: { parameters: { work_mem: "16MB" } },
  allowedSources: { allowedSources: ["10.20.0.0/16"] },
  existing: {},
};

export interface CloudCase {
  /** Heading of its column in the table of docs/reference/differences.md. */
  readonly column: "AWS" | "Google Cloud";
  /** What a cloud is told of an instance, as one text. */
  observe(main: object): Promise<string>;
  /** Where the names of a cloud stand in a field's value. */
  readonly own: Readonly<Record<"backupReplication" | "existing", object>>;
  /** What makes the instance one that every field may be set of. */
  readonly base: object;
}

/** The rows of that table, by field. */
function exceptionsIn(column: CloudCase["column"]): readonly string[] {
  const page = readFileSync(join(__dirname, "..", "..", "docs", "reference", "differences.md"), "utf8");
  const rows = (page.split("\n\n").find((block) => block.startsWith("| field |")) ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| "));
  const [head = [], ...body] = rows.map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
  const index = head.indexOf(column);
  const without = body.filter((cells) => cells[index]?.startsWith("no effect"));
  return without.flatMap(([fields = ""]) => [...fields.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name));
}

/** Every field of an instance has an effect on a cloud, or stands on that page as one that has none. */
export function neutralFields({ column, observe, own, base }: CloudCase): void {
  const exceptions = exceptionsIn(column);

  it.each(Object.keys(instanceFields) as Field[])("is told of %s, or docs/reference/differences.md says that it is not", async (field) => {
    const change = { ...OTHER[field], ...(field in own ? own[field as keyof typeof own] : {}) };
    // What a field takes besides itself is the same on both sides.
    const { [field]: _changed, ...besides } = change as Partial<Record<Field, unknown>>;
    const [before, after] = [await observe({ ...base, ...besides }), await observe({ ...base, ...change })];
    expect(after === before, `${field} on ${column}`).toBe(exceptions.includes(field));
  });
}
