import type { ChatRequest } from '../../../domain/chat.js';
import { InvalidRequestError } from '../../../domain/errors.js';
import type { ClaudeFacts, ConverseFacts } from '../../../domain/model-facts.js';
import { ParamReport, type ParamChange } from '../../../domain/param-change.js';
import { CLAUDE_FORMAT } from '../../claude/thinking-state.js';
import { isObject, type Json } from '../../json.js';
import type { TargetModel } from '../../protocol.js';
import { CONVERSE_STATE } from '../reasoning-state.js';

/** A request for Converse as it is made: what each part of the translation has to know, and what it could not carry. */
export class ConverseDraft extends ParamReport {
  readonly facts: ConverseFacts;
  /** Absent: no model of that family. */
  readonly claude: ClaudeFacts | undefined;
  /** What Converse hands on to the model unread. */
  readonly additional: Record<string, unknown> = {};
  /** Cache points set so far. */
  #cachePoints = 0;

  constructor(
    readonly request: ChatRequest,
    readonly target: TargetModel,
  ) {
    super();
    this.facts = target.facts.converse ?? UNKNOWN_MODEL;
    this.claude = this.isClaude ? target.facts.claude : undefined;
  }

  get isClaude(): boolean {
    return this.facts.thinking === 'claude';
  }

  /** Whose reasoning may be given back to this model. */
  get stateFormat(): string {
    return this.isClaude ? CLAUDE_FORMAT : CONVERSE_STATE;
  }

  /** Members of an object among `additional`, beside what the client has put there itself. */
  addTo(field: string, members: Json): void {
    const own = this.additional[field];
    this.additional[field] = { ...(isObject(own) ? own : {}), ...members };
  }

  /** What another part of the gateway could not carry. */
  include(changes: readonly ParamChange[]): void {
    for (const { path, treatment, to, reason } of changes)
      if (treatment === 'dropped') this.drop(path, reason);
      else this.adapt(path, to, reason);
  }

  /** Whether one more cache point may be set; more than four are refused (Anthropic reference §2.4). */
  takeCachePoint(path: string): boolean {
    const mayBe = this.facts.cachePoints && this.#cachePoints < MOST_CACHE_POINTS;
    if (mayBe) this.#cachePoints += 1;
    else this.drop(path, this.facts.cachePoints ? 'too many cache points' : 'the model has no prompt cache');
    return mayBe;
  }
}

const MOST_CACHE_POINTS = 4;

/** How a model is called of which the catalogue knows nothing at all. */
const UNKNOWN_MODEL: ConverseFacts = {
  system: true,
  tools: true,
  toolStreaming: true,
  toolChoice: ['any', 'tool'],
  stopSequences: 2500,
  sampling: true,
  structuredOutput: false,
  strictTools: false,
  plainSchemas: false,
  mixedResults: true,
  resultStatus: false,
  shortToolCallIds: false,
  cachePoints: true,
};

/** What the model cannot do and whose loss would change the answer's meaning. */
export const unsupported = (param: string, what: string, code = 'unsupported_parameter'): InvalidRequestError =>
  new InvalidRequestError(`The model that serves this request does not support ${what}.`, { code, param });

/** What cannot be sent as it is written, whatever the model. */
export const invalid = (param: string, message: string, code: string | null = null): InvalidRequestError =>
  new InvalidRequestError(message, { code, param });
