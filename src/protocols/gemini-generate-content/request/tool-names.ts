/** What Gemini takes for a function's name (Gemini reference §2.4). */
const NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$/;

/** Names of functions as they are sent: the client's own wherever Gemini takes them. */
export class ToolNames {
  readonly #sent = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** `declared`: the client's names, which no name made here may collide with. */
  constructor(declared: Iterable<string>) {
    for (const name of declared) if (NAME.test(name)) this.#taken.add(name);
  }

  sent(name: string): string {
    if (NAME.test(name)) return name;
    const known = this.#sent.get(name);
    if (known !== undefined) return known;
    const near = `_${name.replace(/[^A-Za-z0-9_.:-]/g, '_')}`.slice(0, 120);
    const made = this.free(near);
    this.#sent.set(name, made);
    return made;
  }

  /** This name, or one like it that no function has. */
  free(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count += 1) name = `${wanted}_${count}`;
    this.#taken.add(name);
    return name;
  }

  /** Sent name → the client's own, where they differ; undefined where none does. */
  get changed(): ReadonlyMap<string, string> | undefined {
    if (this.#sent.size === 0) return undefined;
    return new Map([...this.#sent].map(([own, sent]) => [sent, own]));
  }
}
