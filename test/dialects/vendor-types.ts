import { join } from 'node:path';
import ts from 'typescript';

/** The request of each dialect as its vendor's own SDK declares it, as far as the wire has it. */
const DECLARATIONS = `
/** As JSON has it: enums by their values, bytes as base64. */
type Wire<T> = T extends Uint8Array ? string : T extends string ? \`\${T}\` : T extends (infer Item)[] ? Wire<Item>[]
  : T extends (...args: never[]) => unknown ? never : T extends object ? { [K in keyof T]: Wire<T[K]> } : T;
`;

const IMPORTS = {
  anthropic: `
import type { MessageCreateParams } from '@anthropic-ai/sdk/resources/messages';
/** The SDK asks for a version that has no sampling; the one we ask for has it. */
type Request = MessageCreateParams & { temperature?: number; top_p?: number; top_k?: number };`,
  gemini: `
import type { Content, GenerationConfig, SafetySetting, Tool, ToolConfig } from '@google/genai';
interface Gemini { contents: Content[]; systemInstruction?: Content; tools?: Tool[]; toolConfig?: ToolConfig;
  generationConfig?: GenerationConfig; safetySettings?: SafetySetting[]; cachedContent?: string; serviceTier?: string; labels?: Record<string, string> }
type Request = Wire<Gemini>;`,
  bedrock: `
import type { ConverseStreamRequest } from '@aws-sdk/client-bedrock-runtime';
type Request = Wire<Omit<ConverseStreamRequest, 'modelId'>>;`,
} as const;

export type Vendor = keyof typeof IMPORTS;

/** What the compiler says of these bodies as values of the vendor's type: nothing, if they are such. */
export function typeErrors(vendor: Vendor, bodies: readonly string[]): readonly string[] {
  const file = join(import.meta.dirname, `${vendor}.generated.ts`);
  const lines = bodies.map((body, at) => `export const r${at}: Request = ${body};`);
  const source = [IMPORTS[vendor].trim(), DECLARATIONS, ...lines].join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const own = ts.createSourceFile(file, source, ts.ScriptTarget.ES2023);
  const program = ts.createProgram([file], options, {
    ...host,
    fileExists: (name) => name === file || host.fileExists(name),
    readFile: (name) => (name === file ? source : host.readFile(name)),
    getSourceFile: (name, ...rest) => (name === file ? own : host.getSourceFile(name, ...rest)),
  });
  return [...program.getSyntacticDiagnostics(own), ...program.getSemanticDiagnostics(own)].map((each) => {
    const { line } = own.getLineAndCharacterOfPosition(each.start ?? 0);
    return `${ts.flattenDiagnosticMessageText(each.messageText, '\n')}\n  in ${source.split('\n')[line]?.slice(0, 2_000)}`;
  });
}
