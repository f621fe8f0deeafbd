import { valueOf, type Environment } from '../shape/environment-variables.js';

export interface Interpolated {
  readonly text: string;
  /** Whether a variable was put in. */
  readonly fromEnvironment: boolean;
  readonly faults: readonly string[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;
const VARIABLE = /^([A-Za-z_]\w*)(?::-([^]*))?$/;

/**
 * `${NAME}` and `${NAME:-default}` replaced from the environment, in one pass: what a variable holds is never read again,
 * whatever is in it. `$${` stands for a plain `${`.
 */
export function interpolate(written: string, environment: Environment): Interpolated {
  const faults: string[] = [];
  let fromEnvironment = false;
  const text = written.replace(REFERENCE, (match: string, inside: string | undefined) => {
    if (inside === undefined) return '${';
    const [, name, fallback] = (match.endsWith('}') ? VARIABLE.exec(inside) : null) ?? [];
    if (name === undefined || fallback?.includes('${')) {
      faults.push(`"${match}" is not of the form \${NAME} or \${NAME:-default}; write $\${ for a plain \${`);
      return '';
    }
    fromEnvironment = true;
    const value = valueOf(environment, name) ?? fallback;
    if (value === undefined) faults.push(`the environment variable ${name} is not set, and has no default here`);
    return value ?? '';
  });
  return { text, fromEnvironment, faults };
}
