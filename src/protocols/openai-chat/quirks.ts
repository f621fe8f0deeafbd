/** How one provider deviates from OpenAI's chat API. All of it is data; the translators know the meaning of each word. */
export interface Quirks extends RequestQuirks {
  /** The answer's text may begin with `<think>…</think>`: that part is reasoning. */
  readonly thinkTags?: boolean;
  /** Rules that hold for some models only; the first that matches the base model is laid over the others. */
  readonly models?: readonly ModelRule[];
}

export interface ModelRule {
  readonly match: RegExp;
  readonly rules: RequestQuirks;
}

export interface RequestQuirks {
  /** Fields the provider refuses: left out and reported. `messages[].x` and `tools[].function.x` reach into lists. */
  readonly refuses?: readonly string[];
  /** Fields refused as well where an effort is asked for and it is not `none`. */
  readonly refusesWhileReasoning?: readonly string[];
  /** Fields that are not left out because the answer would mean something else: the request is refused. */
  readonly lacks?: readonly MeaningfulField[];
  /** Top-level fields that go by another name: same meaning, so not reported. */
  readonly renames?: Readonly<Record<string, string>>;
  /** The one field that carries the token limit. Absent: as the client wrote it. */
  readonly limit?: 'max_tokens' | 'max_completion_tokens';
  /** `developer` is understood. Absent: it is sent as `system`. */
  readonly developerRole?: boolean;
  /** `stream_options` is refused; usage arrives all the same. */
  readonly noStreamOptions?: boolean;
  /** What becomes of a forced tool choice the provider does not know; where only `auto` is left it is refused. */
  readonly toolChoice?: { readonly required?: 'any' | 'auto'; readonly named?: 'auto' };
  /** Function tools are refused while the model reasons: it does not, then. */
  readonly toolsWithoutReasoning?: boolean;
  /** What an effort becomes: the fields that are sent in its place. Efforts not named are sent as they are. */
  readonly effort?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The range of `temperature`; a value outside is moved to its edge. */
  readonly temperature?: { readonly min?: number; readonly max?: number };
  /** `json_schema` is unknown: asked for in words, with `json_object`. */
  readonly schemaInWords?: boolean;
  /** Tool-call ids must be nine letters or digits. */
  readonly shortToolCallIds?: boolean;
  /** Where an earlier turn's reasoning goes. Absent: stays in `reasoning_content`. */
  readonly replayReasoning?: 'reasoning' | 'drop';
}

export type MeaningfulField = 'n' | 'logprobs' | 'tools';

/** The names an operator may give under `quirks` for a server of his own. */
export const NAMED_QUIRKS: Readonly<Record<string, Quirks>> = {
  noStreamOptions: { noStreamOptions: true },
  maxTokens: { limit: 'max_tokens' },
  maxCompletionTokens: { limit: 'max_completion_tokens' },
  developerRole: { developerRole: true },
  thinkTags: { thinkTags: true },
  schemaInWords: { schemaInWords: true },
};

/** The rules for one model: the provider's own with the model's laid over them. */
export function rulesFor(quirks: Quirks, baseModel: string): RequestQuirks {
  const rule = quirks.models?.find(({ match }) => match.test(baseModel));
  if (rule === undefined) return quirks;
  const { refuses = [], lacks = [] } = rule.rules;
  return {
    ...quirks,
    ...rule.rules,
    refuses: [...(quirks.refuses ?? []), ...refuses],
    lacks: [...(quirks.lacks ?? []), ...lacks],
  };
}
