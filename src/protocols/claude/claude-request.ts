import type { ChatRequest } from '../../domain/chat.js';
import { InvalidRequestError } from '../../domain/errors.js';
import type { ClaudeFacts } from '../../domain/model-facts.js';
import { ParamReport } from '../../domain/param-change.js';
import type { TargetModel } from '../protocol.js';

/** A request on its way to a model of the Claude family, in whichever dialect: what it is, for whom, and what was noted. */
export class ClaudeRequest extends ParamReport {
  readonly claude: ClaudeFacts;

  constructor(
    readonly request: ChatRequest,
    readonly target: TargetModel,
  ) {
    super();
    this.claude = target.facts.claude ?? UNKNOWN;
  }

  /** The field's value; undefined where the client says nothing. */
  get(field: string): unknown {
    return Object.hasOwn(this.request, field) ? (this.request[field] ?? undefined) : undefined;
  }
}

/** A model the catalogue says nothing of is asked for nothing that only some know. */
const UNKNOWN: ClaudeFacts = {
  thinking: [],
  thinksByDefault: false,
  efforts: [],
  sampling: 'one',
  forcedTools: true,
  prefill: true,
  systemInPlace: false,
  structuredOutput: false,
  boundThinking: false,
};

export const unsupportedValue = (param: string, message: string): InvalidRequestError =>
  new InvalidRequestError(message, { code: 'unsupported_value', param });

export const unsupportedParameter = (param: string): InvalidRequestError =>
  new InvalidRequestError(`The model that serves this request does not support \`${param}\`.`, {
    code: 'unsupported_parameter',
    param,
  });
