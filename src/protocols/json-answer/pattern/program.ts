import { UnsupportedPatternError, type Edge, type Expression } from './syntax.js';

/** What a matcher does at one place of an expression. */
export type Instruction =
  | { readonly do: 'read'; readonly fits: RegExp }
  | { readonly do: 'stand'; readonly at: Edge }
  | { readonly do: 'fork'; readonly to: readonly number[] }
  | { readonly do: 'accept' };

/** Counted repetitions are written out, so a short pattern may mean a very long program. */
const MAX_INSTRUCTIONS = 4_000;

/** An expression as the instructions of a machine that follows all its ways at once. Throws UnsupportedPatternError if too long. */
export function programOf(expression: Expression): readonly Instruction[] {
  const writer = new ProgramWriter();
  writer.write(expression);
  return [...writer.program, { do: 'accept' }];
}

class ProgramWriter {
  readonly program: Instruction[] = [];
  #written = 0;

  write(expression: Expression): void {
    this.#written += 1; // an empty group repeated writes nothing, as often as it likes
    if (this.#written > MAX_INSTRUCTIONS || this.program.length > MAX_INSTRUCTIONS) throw new UnsupportedPatternError();
    switch (expression.kind) {
      case 'character':
        this.program.push({ do: 'read', fits: expression.fits });
        return;
      case 'edge':
        this.program.push({ do: 'stand', at: expression.at });
        return;
      case 'sequence':
        for (const part of expression.parts) this.write(part);
        return;
      case 'choice':
        this.#choice(expression.options);
        return;
      case 'repeat':
        this.#repeat(expression.part, expression.min, expression.max);
    }
  }

  #choice(options: readonly Expression[]): void {
    const fork = this.#reserve();
    const starts: number[] = [];
    const ends: number[] = [];
    for (const option of options) {
      starts.push(this.program.length);
      this.write(option);
      ends.push(this.#reserve());
    }
    this.program[fork] = { do: 'fork', to: starts };
    for (const end of ends) this.program[end] = { do: 'fork', to: [this.program.length] };
  }

  #repeat(part: Expression, min: number, max: number): void {
    for (let count = 0; count < min; count += 1) this.write(part);
    if (max === Infinity) {
      const loop = this.#reserve();
      this.write(part);
      this.program.push({ do: 'fork', to: [loop] });
      this.program[loop] = { do: 'fork', to: [loop + 1, this.program.length] };
      return;
    }
    const exits: number[] = [];
    for (let count = min; count < max; count += 1) {
      exits.push(this.#reserve());
      this.write(part);
    }
    for (const exit of exits) this.program[exit] = { do: 'fork', to: [exit + 1, this.program.length] };
  }

  #reserve(): number {
    return this.program.push({ do: 'fork', to: [] }) - 1;
  }
}
