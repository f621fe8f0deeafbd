import type { ChatRequest } from '../../../domain/chat.js';
import { InvalidRequestError } from '../../../domain/errors.js';
import type { GeminiFacts } from '../../../domain/model-facts.js';
import type { ParamReport } from '../../../domain/param-change.js';
import type { TargetModel } from '../../protocol.js';
import type { GeminiHost } from '../wire.js';
import type { ToolNames } from './tool-names.js';

/** What every part of the request's translator works with. */
export interface Scope {
  readonly request: ChatRequest;
  readonly target: TargetModel;
  readonly facts: GeminiFacts;
  readonly host: GeminiHost;
  readonly report: ParamReport;
  readonly names: ToolNames;
}

/** A model that the catalogue says nothing of is taken for one of the newest family. */
export const NEWEST: GeminiFacts = {
  thinking: { kind: 'level', levels: ['LOW', 'MEDIUM', 'HIGH'] },
  signedCalls: true,
  schemaWithTools: true,
  mediaInResults: true,
  systemInstruction: true,
  penalties: true,
  mediaResolution: true,
};

export const unsupportedValue = (param: string, message: string): InvalidRequestError =>
  new InvalidRequestError(message, { code: 'unsupported_value', param });

export const invalidValue = (param: string, message: string): InvalidRequestError =>
  new InvalidRequestError(message, { code: 'invalid_value', param });
