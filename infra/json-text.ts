/** The place where a text breaks a rule of its format. */
export interface Fault {
  /** Characters before it. */
  readonly offset: number;
  readonly rule: string;
}

const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)\b|[{}[\],:]/y;

const MOST_LEVELS = 200;

/** Returns the first place where a text is not JSON or repeats a key (`JSON.parse` keeps the last); null if there is none. */
export function findJsonFault(text: string): Fault | null {
  const scanner = new Scanner(text);
  try {
    scanner.readValue(0);
    return scanner.isAtEnd() ? null : scanner.faultHere("expected the end of the file");
  } catch (error) {
    if (error instanceof Stop) return error.fault;
    throw error;
  }
}

/** Ends a scan. Never thrown out of this module. */
class Stop extends Error {
  constructor(readonly fault: Fault) {
    super(fault.rule);
  }
}

class Scanner {
  #offset = 0;

  constructor(readonly text: string) {}

  isAtEnd(): boolean {
    return this.#peek() === "" && this.#offset === this.text.length;
  }

  faultHere(expected: string): Fault {
    const isComment = /^\/[/*]/.test(this.text.slice(this.#offset, this.#offset + 2));
    return { offset: this.#offset, rule: isComment ? "JSON has no comments; write the file as YAML or TypeScript" : expected };
  }

  readValue(level: number): void {
    if (level > MOST_LEVELS) this.#stop(`more than ${MOST_LEVELS} levels`);
    const token = this.#peek();
    if (token === "{") this.#readObject(level);
    else if (token === "[") this.#readList(level);
    else if (token === "" || /^[}\],:]/.test(token)) this.#stop("expected a value; write texts in double quotes");
    else this.#take();
  }

  #readObject(level: number): void {
    const keys = new Set<unknown>();
    this.#readItems("}", () => {
      const token = this.#peek();
      if (!token.startsWith('"')) this.#stop("expected a key in double quotes");
      const key: unknown = JSON.parse(token);
      if (keys.has(key)) this.#stop("this key appears twice in one object");
      keys.add(key);
      this.#take();
      if (this.#peek() !== ":") this.#stop("expected a colon");
      this.#take();
      this.readValue(level + 1);
    });
  }

  #readList(level: number): void {
    this.#readItems("]", () => this.readValue(level + 1));
  }

  /** Reads items, separated by commas, up to the closing bracket. */
  #readItems(end: string, readItem: () => void): void {
    this.#take();
    if (this.#peek() !== end) {
      readItem();
      while (this.#peek() === ",") {
        this.#take();
        readItem();
      }
    }
    if (this.#peek() !== end) this.#stop(`expected a comma or ${end}`);
    this.#take();
  }

  /** Returns the next token; empty at the end. */
  #peek(): string {
    SPACE.lastIndex = this.#offset;
    this.#offset += SPACE.exec(this.text)?.[0].length ?? 0;
    TOKEN.lastIndex = this.#offset;
    return TOKEN.exec(this.text)?.[0] ?? "";
  }

  #take(): void {
    this.#offset += this.#peek().length;
  }

  #stop(expected: string): never {
    throw new Stop(this.faultHere(expected));
  }
}
