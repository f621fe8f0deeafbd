import { isObject, type Json } from '../json.js';

/** Who serves the model: the two differ in a few fields (Gemini reference §7). */
export type GeminiHost = 'gemini' | 'vertex';

/** A part of a turn, as it is sent. */
export interface Part {
  readonly text?: string;
  readonly inlineData?: Blob;
  readonly fileData?: { readonly fileUri: string; readonly mimeType?: string };
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args: Json };
  readonly functionResponse?: {
    readonly id?: string;
    readonly name: string;
    readonly response: Json;
    readonly parts?: readonly Part[];
  };
  readonly thoughtSignature?: string;
  readonly videoMetadata?: Json;
  readonly mediaResolution?: { readonly level: string };
}

export interface Blob {
  readonly mimeType: string;
  /** Base64. */
  readonly data: string;
}

export interface Content {
  readonly role: 'user' | 'model';
  readonly parts: readonly Part[];
}

/** The objects of a list, whatever else the provider put there; none where it is no list. */
export function objectsOf(list: unknown): readonly Json[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A number, also where it came as text; of anything else, which may be a list without bottom, NaN. */
export const numberOf = (value: unknown): number =>
  typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;

/** The object a member holds; an empty one where it holds none. */
export const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
