import { hash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

/** Sums wrap here. */
const MODULUS = 1n << 64n;
const NEWLINE = 0x0a;

/** Rows as lines of `COPY`, whatever their order: how many, and the sum of their hashes. */
export class Digest {
  rows = 0;
  private sum = 0n;

  /** @param sign -1 takes a row out again. */
  add(line: Buffer, sign: 1 | -1 = 1): void {
    this.rows += sign;
    const value = hash("md5", line, "buffer").readBigUInt64LE(0);
    this.sum = (this.sum + (sign === 1 ? value : MODULUS - value)) % MODULUS;
  }

  /** Equal for equal rows only. */
  toString(): string {
    return `${this.rows} rows, sum ${this.sum.toString(16)}`;
  }
}

/** Passes lines on, and adds each to a digest. @param onRows called with the rows of each chunk. */
export class Digesting extends Transform {
  /** Parts of a line that has not ended: joined once, since it may be long. */
  private rest: Buffer[] = [];

  constructor(
    private readonly digest: Digest,
    private readonly sign: 1 | -1 = 1,
    private readonly onRows: (rows: number) => void = () => undefined,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    let from = 0;
    let rows = 0;
    for (let end = chunk.indexOf(NEWLINE, from); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const last = chunk.subarray(from, end);
      this.digest.add(this.rest.length === 0 ? last : Buffer.concat([...this.rest, last]), this.sign);
      this.rest = [];
      rows += 1;
      from = end + 1;
    }
    if (from < chunk.length) this.rest.push(chunk.subarray(from));
    this.onRows(rows);
    done(null, chunk);
  }
}
